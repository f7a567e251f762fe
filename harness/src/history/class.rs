//! What must be equal for two times to be points of one track, beside the workload: machine, subject, settings, build, pairing.
//!
//! In: a record. Out: facts by name, their digest, and words. The facts are those of `gates::stored`, with two exceptions: the
//! suite, since a workload that is added beside others would cut every track (each track has the definition of its own workload),
//! and the outputs, since a history goes on where a model's answers change.

use baselines::{
    Digest, RunRecord,
    record::{CommandInfo, Engine, Purpose, What},
};
use serde::{Deserialize, Serialize};

/// Characters of a command line that are shown.
const LINE_CHARS: usize = 60;

/// What a time was taken on, and how.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Facts {
    /// The machine's processor.
    pub(super) cpu_model: String,
    /// SHA-256 of the machine, as hex digits.
    fingerprint: String,
    /// Model and settings, or the command, in words.
    pub(super) words: String,
    /// Every other fact, name and value, in a fixed order.
    pub(super) facts: Vec<(String, String)>,
}

impl Facts {
    pub(super) fn of(record: &RunRecord) -> Self {
        let (words, mut facts) = match &record.subject.what {
            What::Engine(engine) => (engine_words(engine), engine_facts(engine, record)),
            What::Command(command) => (command_words(command), command_facts(command)),
        };
        // The processes of a pair measure by turns, and meet colder caches than those of a session of one subject.
        let paired = record.purpose == Purpose::Paired;
        facts.push(("measured", if paired { "in pairs" } else { "alone" }.to_owned()));
        Self {
            cpu_model: record.host.cpu_model.clone(),
            fingerprint: record.host.fingerprint.to_string(),
            words,
            facts: facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        }
    }

    /// SHA-256 of the machine; `None` of a fact that was not made by [`Self::of`].
    pub(super) fn fingerprint(&self) -> Option<Digest> {
        self.fingerprint.parse().ok()
    }

    /// Names the class: SHA-256 over machine and facts, one `name="value"` a line.
    pub(super) fn digest(&self) -> Digest {
        let mut text = format!("fingerprint={}\n", self.fingerprint);
        for (name, value) in &self.facts {
            text += &format!("{name}={value:?}\n");
        }
        Digest::of(text.as_bytes())
    }

    /// The words, and of those facts that tell it from `others` of the same words what it has: so that no two classes of a machine
    /// read alike.
    pub(super) fn words_among(&self, others: &[&Self]) -> String {
        let like =
            |other: &&&Self| other.words == self.words && other.facts.len() == self.facts.len();
        let likes: Vec<&&Self> = others.iter().filter(like).collect();
        let mut words = self.words.clone();
        for (place, (name, value)) in self.facts.iter().enumerate() {
            if likes.iter().any(|other| other.facts[place].1 != *value) {
                words += &format!(", {name} {value}");
            }
        }
        words
    }
}

type Named = Vec<(&'static str, String)>;

fn engine_facts(engine: &Engine, record: &RunRecord) -> Named {
    let (settings, tool) = (&engine.settings, &record.tool);
    vec![
        ("model", engine.model.digest.to_string()),
        ("isa", settings.isa.clone()),
        ("threads", settings.threads.to_string()),
        ("pinned", settings.pinned.to_string()),
        ("activations", settings.activations.clone()),
        ("batch", settings.batch.to_string()),
        ("device", settings.device_selected.clone()),
        ("seed", record.seed.to_string()),
        // A time of another compiler is no change of code.
        ("toolchain", tool.toolchain.clone()),
        ("profile", tool.profile.clone()),
        ("target", tool.target.clone()),
        ("features", tool.features.join("+")),
    ]
}

fn engine_words(engine: &Engine) -> String {
    let settings = &engine.settings;
    let threads = if settings.threads == 1 { "thread" } else { "threads" };
    let mut words =
        format!("{}, {}, {} {threads}", engine.model.name, settings.isa, settings.threads);
    if settings.device_selected != "cpu" {
        words += &format!(", {}", settings.device_selected);
    }
    words
}

fn command_facts(command: &CommandInfo) -> Named {
    let said = |text: &Option<String>| text.clone().unwrap_or_default();
    let bench = command.bench.as_ref();
    vec![
        ("line", command.line.clone()),
        ("shell", said(&command.shell)),
        ("setup", said(&command.setup)),
        ("prepare", said(&command.prepare)),
        ("parameters", command.parameters.join(" ")),
        ("package", bench.map(|bench| bench.package.clone()).unwrap_or_default()),
        ("bench", bench.map(|bench| bench.name.clone()).unwrap_or_default()),
    ]
}

fn command_words(command: &CommandInfo) -> String {
    match &command.bench {
        Some(bench) => format!("bench target {} of {}", bench.name, bench.package),
        None => {
            let line = &command.line;
            let shown: String = line.chars().take(LINE_CHARS).collect();
            let cut = if shown.len() < line.len() { "…" } else { "" };
            format!("command {shown}{cut}")
        }
    }
}

#[cfg(test)]
mod tests {
    use baselines::{Digest, RunRecord, record::What, testing};

    use super::Facts;

    fn digest(change: impl FnOnce(&mut RunRecord)) -> Digest {
        let mut record = testing::session(1, 1.0);
        change(&mut record);
        Facts::of(&record).digest()
    }

    #[test]
    fn what_makes_times_incomparable_makes_another_class_and_nothing_else_does() {
        let same = digest(|_| {});
        let changes: [fn(&mut RunRecord); 12] = [
            |r| r.host.fingerprint = Digest::of(b"x"),
            |r| r.subject.engine_mut().unwrap().model.digest = Digest::of(b"x"),
            |r| r.subject.engine_mut().unwrap().settings.isa = "avx2".to_owned(),
            |r| r.subject.engine_mut().unwrap().settings.threads = 1,
            |r| r.subject.engine_mut().unwrap().settings.pinned = false,
            |r| r.subject.engine_mut().unwrap().settings.activations = "float".to_owned(),
            |r| r.subject.engine_mut().unwrap().settings.batch = 1,
            |r| r.subject.engine_mut().unwrap().settings.device_selected = "cuda:0".to_owned(),
            |r| r.seed = 7,
            |r| r.tool.toolchain = "rustc 1.96.0".to_owned(),
            |r| r.tool.features.push("gpu".to_owned()),
            |r| r.purpose = baselines::record::Purpose::Paired,
        ];
        for (nth, change) in changes.into_iter().enumerate() {
            assert_ne!(digest(change), same, "{nth}");
        }
        let alike: [fn(&mut RunRecord); 4] = [
            |r| r.tool.commit = None,
            |r| r.subject.binary = Digest::of(b"x"),
            |r| r.suite.digest = Digest::of(b"x"),
            |r| r.purpose = baselines::record::Purpose::Run,
        ];
        for (nth, change) in alike.into_iter().enumerate() {
            assert_eq!(digest(change), same, "{nth}");
        }
    }

    #[test]
    fn a_value_cannot_pose_as_another_fact() {
        let digest = |shell: &str, setup: &str| {
            let mut record = testing::commands(1, 1.0).base;
            if let What::Command(command) = &mut record.subject.what {
                command.shell = Some(shell.to_owned());
                command.setup = Some(setup.to_owned());
            }
            Facts::of(&record).digest()
        };
        assert_ne!(digest("a\nsetup=b", "c"), digest("a", "b\nsetup=c"));
        assert_ne!(digest("a\"", ""), digest("a", "\""));
    }

    #[test]
    fn classes_of_the_same_words_say_what_tells_them_apart() {
        let one = testing::session(1, 1.0);
        let mut two = one.clone();
        two.tool.toolchain = "rustc 1.96.0".to_owned();
        let (one, two) = (Facts::of(&one), Facts::of(&two));
        assert_eq!(one.words_among(&[&one]), "stories, avx512, 2 threads");
        assert_eq!(
            two.words_among(&[&one, &two]),
            "stories, avx512, 2 threads, toolchain rustc 1.96.0"
        );
    }
}
