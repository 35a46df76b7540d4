//! Every block of the catalogue: its page, its text, and what the tools say of it on its own.

mod tools;

use neuspin::rtl::{Block, catalogue};
use neuspin::verilog::{Direction, VerilogFile};
use std::fmt::Write;

/// The paragraph `Latency: …` of the header comment.
fn latency(file: &VerilogFile) -> String {
    let comment = file.text().lines().map_while(|line| line.strip_prefix("//")).map(str::trim);
    let lines: Vec<&str> =
        comment.skip_while(|line| !line.starts_with("Latency:")).take_while(|l| !l.is_empty()).collect();
    lines.join(" ").trim_start_matches("Latency:").trim().to_string()
}

/// Parameters of the example: the lines `name = value` of the header comment.
fn facts(file: &VerilogFile) -> Vec<String> {
    let comment =
        file.text().lines().map_while(|line| line.strip_prefix("//")).skip_while(|l| l.trim() != "Parameters:");
    let lines = comment.skip(1).take_while(|line| !line.trim().is_empty());
    lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

fn section(text: &mut String, block: &Block) {
    let (file, _) = block.example().unwrap();
    let _ = writeln!(text, "\n## {}\n\n{} Written in `{}`.\n", block.name, block.purpose, block.source);
    let _ = writeln!(text, "Example `{}`", file.name());
    for fact in facts(&file).iter().filter(|fact| !fact.starts_with("register ")) {
        let _ = writeln!(text, "- {fact}");
    }
    let _ = writeln!(text, "- latency: {}\n\n| port | direction | bits |\n|---|---|---|", latency(&file));
    for port in file.header().ports() {
        let direction = if port.direction == Direction::Input { "in" } else { "out" };
        let _ = writeln!(text, "| `{}` | {direction} | {} |", port.name, port.width);
    }
}

fn page() -> String {
    let mut text = String::from(
        "# Blocks\n\nMade from `rtl::catalogue()` by `UPDATE_DOCS=1 cargo test --test blocks`; the text of each example is in \
         `tests/snapshots`.\n\n| block | purpose | latency of the example |\n|---|---|---|\n",
    );
    for block in catalogue() {
        let (file, _) = block.example().unwrap();
        let _ = writeln!(text, "| [{0}](#{0}) | {1} | {2} |", block.name, block.purpose, latency(&file));
    }
    catalogue().iter().for_each(|block| section(&mut text, block));
    text
}

#[test]
fn the_page_of_blocks_is_up_to_date() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/blocks.md");
    let page = page();
    if std::env::var_os("UPDATE_DOCS").is_some_and(|v| v == "1") {
        std::fs::write(path, &page).unwrap();
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(committed == page, "docs/blocks.md is old: refresh it with `UPDATE_DOCS=1 cargo test --test blocks`");
}

#[test]
fn names_are_unique_and_every_example_says_its_latency() {
    let blocks = catalogue();
    for (at, block) in blocks.iter().enumerate() {
        assert!(blocks[..at].iter().all(|other| other.name != block.name), "{} twice", block.name);
        let source = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(block.source);
        assert!(source.exists(), "{} is said to be in {}", block.name, block.source);
        assert_ne!(latency(&block.example().unwrap().0), "", "{}", block.name);
    }
}

#[test]
fn text_of_every_block() {
    for block in catalogue() {
        let (file, _) = block.example().unwrap();
        insta::with_settings!({ omit_expression => true, description => block.purpose }, {
            insta::assert_snapshot!(block.name.replace('-', "_"), file.text());
        });
    }
}

#[test]
fn every_block_alone_passes_the_tools() {
    for block in catalogue() {
        let (own, others) = block.example().unwrap();
        let mut files = vec![&own];
        for other in &others {
            if files.iter().all(|known| known.name() != other.name()) {
                files.push(other);
            }
        }
        // The tools read the text alone: contents of memories do not matter.
        let images: Vec<(&str, &str)> = files
            .iter()
            .flat_map(|file| file.text().split("$readmemh(\"").skip(1))
            .filter_map(|rest| rest.split_once('"'))
            .map(|(name, _)| (name, "0\n"))
            .collect();
        tools::lint(&files, &images);
    }
}
