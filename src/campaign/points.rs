//! Finished points on disk: one line each, appended as they come, so that a killed campaign goes on where it was.

use super::{Campaign, CampaignError, Point};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::str::FromStr;

const FORMAT: &str = "neuspin-points";

/// Part `number` (from 1) of `of` parts of the points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    pub number: usize,
    pub of: usize,
}

impl Shard {
    pub const WHOLE: Shard = Shard { number: 1, of: 1 };

    /// Whether a point belongs to this part.
    pub fn has(&self, index: usize) -> bool {
        index % self.of == self.number - 1
    }

    /// Where the points of this part lie, for results in `out`.
    pub fn file(&self, out: &Path) -> PathBuf {
        match *self == Shard::WHOLE {
            true => with_suffix(out, ".points"),
            false => with_suffix(out, &format!(".shard-{}-of-{}.points", self.number, self.of)),
        }
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

impl FromStr for Shard {
    type Err = CampaignError;

    fn from_str(text: &str) -> Result<Shard, CampaignError> {
        let numbers = text.split_once('/').and_then(|(n, of)| Some((n.parse().ok()?, of.parse().ok()?)));
        match numbers {
            Some((number, of)) if number >= 1 && number <= of => Ok(Shard { number, of }),
            _ => Err(CampaignError::Shard { text: text.into() }),
        }
    }
}

/// `results.csv` with `.points` behind its stem: `results.points`.
fn with_suffix(out: &Path, suffix: &str) -> PathBuf {
    let stem = out.file_stem().unwrap_or(out.as_os_str());
    let mut name = stem.to_owned();
    name.push(suffix);
    out.with_file_name(name)
}

/// The first line of a file.
#[derive(PartialEq, Serialize, Deserialize)]
struct Head {
    format: String,
    campaign: String,
    shard: Shard,
    points: usize,
}

/// Finished points and the file where the next ones go.
pub struct Points {
    path: PathBuf,
    file: File,
    /// Values by index of the point.
    pub done: BTreeMap<usize, Vec<String>>,
}

impl Points {
    /// Opens a part's file, or begins it. A last line that was written by half is dropped.
    ///
    /// # Errors
    /// Where another process writes to it, where it is another campaign's, and at a bad line that is not the last.
    pub fn open(path: &Path, campaign: &Campaign, shard: Shard) -> Result<Points, CampaignError> {
        let io = |source| CampaignError::Io { file: path.into(), source };
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(io)?;
        file.try_lock().map_err(|e| match e {
            TryLockError::WouldBlock => CampaignError::Locked { file: path.into() },
            TryLockError::Error(source) => io(source),
        })?;
        let points = campaign.points().len();
        let head = Head { format: FORMAT.into(), campaign: campaign.digest().into(), shard, points };
        let mut text = vec![];
        file.read_to_end(&mut text).map_err(io)?;
        let (done, good) = read(path, &text, &head, campaign.columns().len())?;
        file.set_len(good as u64).map_err(io)?;
        file.seek(SeekFrom::End(0)).map_err(io)?;
        if good == 0 {
            let line = serde_json::to_string(&head).unwrap_or_default() + "\n";
            file.write_all(line.as_bytes()).and_then(|()| file.sync_all()).map_err(io)?;
        }
        Ok(Points { path: path.into(), file, done })
    }

    /// Puts a finished point away; it is on disk when this returns.
    pub fn add(&mut self, point: Point, values: Vec<String>) -> Result<(), CampaignError> {
        let line = format!("{},{}\n", point.index, values.join(","));
        let written = self.file.write_all(line.as_bytes()).and_then(|()| self.file.sync_data());
        written.map_err(|source| CampaignError::Io { file: self.path.clone(), source })?;
        self.done.insert(point.index, values);
        Ok(())
    }

    /// All points of the shards beside `out`.
    ///
    /// # Errors
    /// Where there are none, or of several divisions, or where points are missing.
    pub fn merge(out: &Path, campaign: &Campaign) -> Result<BTreeMap<usize, Vec<String>>, CampaignError> {
        let folder = out.parent().filter(|f| !f.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let io = |source| CampaignError::Io { file: folder.into(), source };
        let stem = out.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let mut found: Vec<Shard> = vec![];
        for entry in std::fs::read_dir(folder).map_err(io)? {
            let name = entry.map_err(io)?.file_name().to_string_lossy().into_owned();
            let numbers = name.strip_prefix(&format!("{stem}.shard-")).and_then(|rest| rest.strip_suffix(".points"));
            found.extend(numbers.and_then(|text| text.replacen("-of-", "/", 1).parse::<Shard>().ok()));
        }
        found.sort_by_key(|shard| (shard.of, shard.number));
        let Some(first) = found.first() else { return Err(CampaignError::NoShards { file: out.into() }) };
        let listed = || found.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        if found.iter().any(|shard| shard.of != first.of) {
            return Err(CampaignError::Mixed { file: out.into(), found: listed() });
        }
        let points = campaign.points().len();
        let mut all = BTreeMap::new();
        for &shard in &found {
            let path = shard.file(out);
            let text = std::fs::read(&path).map_err(|source| CampaignError::Io { file: path.clone(), source })?;
            let head = Head { format: FORMAT.into(), campaign: campaign.digest().into(), shard, points };
            all.extend(read(&path, &text, &head, campaign.columns().len())?.0);
        }
        let mut missing = (0..points).filter(|index| !all.contains_key(index));
        if let Some(index) = missing.next() {
            let first = Shard { number: index % first.of + 1, of: first.of }.to_string();
            return Err(CampaignError::Missing { found: listed(), missing: 1 + missing.count(), points, first });
        }
        Ok(all)
    }
}

/// Points by index.
type Done = BTreeMap<usize, Vec<String>>;

/// Finished points in the bytes of a file, and how many of the bytes are whole lines.
fn read(path: &Path, bytes: &[u8], due: &Head, columns: usize) -> Result<(Done, usize), CampaignError> {
    let mut done = BTreeMap::new();
    let mut good = 0;
    // What follows the last line end was written by half.
    let whole = bytes.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
    let lines: Vec<&[u8]> = bytes[..whole].split_inclusive(|&b| b == b'\n').collect();
    for (n, &line) in lines.iter().enumerate() {
        let text = std::str::from_utf8(line).unwrap_or("").trim_end();
        if n == 0 {
            let head: Option<Head> = serde_json::from_str(text).ok();
            if head.as_ref() != Some(due) {
                return Err(CampaignError::Other { file: path.into() });
            }
            good += line.len();
            continue;
        }
        let values: Vec<String> = text.split(',').map(String::from).collect();
        let index = values.first().and_then(|index| index.parse::<usize>().ok());
        match index.filter(|&index| values.len() == 1 + columns && index < due.points && due.shard.has(index)) {
            Some(index) => {
                done.insert(index, values[1..].to_vec());
                good += line.len();
            }
            // A crash may leave garbage at the end of a file; it cannot be anywhere else.
            None if n + 1 == lines.len() => break,
            None => {
                let what = format!("not a point of this campaign's part {}; remove the line", due.shard);
                return Err(CampaignError::Line { file: path.into(), line: n + 1, what });
            }
        }
    }
    Ok((done, good))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head() -> Head {
        Head { format: FORMAT.into(), campaign: "abc".into(), shard: Shard { number: 2, of: 2 }, points: 6 }
    }

    fn parse(rest: &str) -> Result<(Done, usize), CampaignError> {
        let text = serde_json::to_string(&head()).unwrap() + "\n" + rest;
        let (done, good) = read(Path::new("x.points"), text.as_bytes(), &head(), 2)?;
        Ok((done, good + rest.len() - text.len()))
    }

    #[test]
    fn a_half_written_last_line_is_dropped_and_all_others_count() {
        let whole = "1,a,b\n5,c,d\n";
        for rest in ["", "3", "3,e", "3,e,f", "3,e\n", "\0\0\0\n"] {
            let (done, good) = parse(&format!("{whole}{rest}")).unwrap();
            assert_eq!((done.len(), good), (2, whole.len()), "{rest:?}");
            assert_eq!(done[&5], ["c", "d"]);
        }
        assert_eq!(parse("1,a,b\n5,c,d\n3,e,f\n").unwrap().0.len(), 3);
        assert_eq!(read(Path::new("x"), b"{\"format\":\"neu", &head(), 2).unwrap(), (BTreeMap::new(), 0));
    }

    #[test]
    fn what_is_not_of_the_part_is_an_error_with_its_line() {
        for bad in ["2,a,b", "7,a,b", "x,a,b", "1,a"] {
            let error = parse(&format!("1,a,b\n{bad}\n3,c,d\n")).unwrap_err().to_string();
            assert!(error.contains("x.points, line 3: not a point of this campaign's part 2/2"), "{error}");
        }
        let other = Head { campaign: "abd".into(), ..head() };
        let text = serde_json::to_string(&other).unwrap() + "\n";
        assert!(matches!(read(Path::new("x"), text.as_bytes(), &head(), 2), Err(CampaignError::Other { .. })));
    }

    #[test]
    fn shards_are_read_and_named() {
        let shard: Shard = "2/4".parse().unwrap();
        assert_eq!(shard.file(Path::new("a/b.csv")), Path::new("a/b.shard-2-of-4.points"));
        assert_eq!(Shard::WHOLE.file(Path::new("b.csv")), Path::new("b.points"));
        let all: Vec<usize> =
            (1..=4).flat_map(|number| (0..10).filter(move |&i| Shard { number, of: 4 }.has(i))).collect();
        assert_eq!(all.len(), 10);
        for text in ["0/4", "5/4", "1", "1/0", "a/b"] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }
}
