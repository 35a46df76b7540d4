//! Figures of a campaign: what each sweep costs every model.

use super::{Campaign, CampaignError, Results, Summary};
use crate::report::{Axis, Figure, Panel, Point, Series};
use std::path::{Path, PathBuf};

/// Writes a figure of all sweeps and one of each, as SVG and PNG, into a folder that exists. A row of panels shows one sweep:
/// accuracy, then the AUROC of each set of other data, against the values of its first axis. Where it has more axes, each
/// combination of their values has a row of its own.
pub fn figures(campaign: &Campaign, results: &Results, folder: &Path) -> Result<Vec<PathBuf>, CampaignError> {
    let mut columns = vec![("accuracy".to_string(), "accuracy".to_string(), true)];
    columns.extend(
        campaign.other_names().into_iter().map(|name| (format!("auroc_{name}"), format!("AUROC, {name}"), false)),
    );
    let summaries: Vec<Vec<Summary>> = columns.iter().map(|(column, ..)| results.summary(campaign, column)).collect();
    let mut all: Vec<Vec<Panel>> = vec![];
    for sweep in &campaign.file.sweep {
        let mut rows = vec![];
        let first = &sweep.axis[0];
        let mut others: Vec<Vec<f64>> = vec![];
        for values in sweep.combinations() {
            if !others.contains(&values[1..].to_vec()) {
                others.push(values[1..].to_vec());
            }
        }
        for rest in &others {
            let title: Vec<String> =
                sweep.axis[1..].iter().zip(rest).map(|(a, v)| format!("{} = {v}", a.fields[0])).collect();
            for ((_, label, percent), summary) in columns.iter().zip(&summaries) {
                let series = campaign.file.models.iter().enumerate().map(|(m, model)| {
                    let of = |s: &&Summary| s.sweep == sweep.name && s.model == *model && s.values[1..] == rest[..];
                    let points = summary.iter().filter(of).filter(|s| s.mean.is_finite()).map(|s| {
                        let point = Point::new(s.values[0], s.mean);
                        s.interval.map_or(point, |i| point.within(i.low, i.high))
                    });
                    let name = campaign.file.labels.get(m).unwrap_or(model);
                    Series::new(name, points.collect())
                });
                let x = Axis { log: first.log, percent: first.percent, ..Axis::new(sweep.label()) };
                let y = if *percent { Axis::new(label).percent() } else { Axis::new(label) };
                rows.push(Panel::lines(x, y, series.collect()).titled(&title.join(", ")));
            }
        }
        all.push(rows);
    }
    let draw = |panels: Vec<Panel>, name: &str| {
        let figure = Figure { columns: columns.len(), panel: (400.0, 270.0), ..Figure::new(panels) };
        figure.write(&folder.join(name))
    };
    let mut written = vec![];
    if all.len() > 1 {
        for (sweep, panels) in campaign.file.sweep.iter().zip(&all) {
            written.extend(draw(panels.clone(), &format!("{}-{}", campaign.file.name, sweep.name))?);
        }
    }
    written.extend(draw(all.concat(), &campaign.file.name)?);
    Ok(written)
}
