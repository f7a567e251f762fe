//! The store in a branch: ten processes that push at once lose nothing, one that is killed loses nothing it said it did,
//! what is forged is left alone, and the user's repository stays as it was. The remote is a bare repository in a folder.

#![cfg(unix)] // hooks, links and signals of the remote's machine

mod branch;
mod common;

use std::{collections::BTreeMap, fs, process::Child, thread, time::Duration};

use baselines::{
    Digest, ErrorKind,
    store::{
        Action, DirStore, Note,
        branch::{Branch, MAX_RETRIES, Push},
    },
};
use branch::{
    NOW, Runner, TASK, World, acks, executable, finish, git, git_with, pusher, raw, record,
};

/// Not a test: what [`pusher`] starts.
#[test]
#[expect(clippy::disallowed_methods, reason = "a test is its own main")]
fn the_process_that_pushes() {
    if let Ok(task) = std::env::var(TASK) {
        branch::run_pusher(&task);
    }
}

#[test]
fn ten_processes_that_push_at_once_lose_nothing() {
    const PROCESSES: u64 = 10;
    const EACH: u64 = 20;
    let world = World::new();
    let children: Vec<Child> = (0..PROCESSES)
        .map(|n| {
            let runner = world.runner(&format!("runner-{n}"));
            let acks = world.path(&format!("acks-{n}"));
            let mut command = pusher(&runner.clone, runner.store.root(), &acks, n * EACH, EACH);
            command.spawn().expect("a process")
        })
        .collect();
    children.into_iter().for_each(finish);
    let mut said: Vec<Digest> = Vec::new();
    let mut retries: BTreeMap<u32, usize> = BTreeMap::new();
    for n in 0..PROCESSES {
        for (digest, lost) in acks(&world.path(&format!("acks-{n}"))) {
            said.push(digest);
            *retries.entry(lost).or_default() += 1;
        }
    }
    println!("pushes by lost races: {retries:?}");
    said.sort();
    assert_eq!(said.len() as u64, PROCESSES * EACH);
    assert!(retries.keys().all(|lost| *lost <= MAX_RETRIES), "{retries:?}");
    assert_eq!(world.pulled("reader"), (said, Vec::new()));
    // What the last ones put down was folded by themselves or by others; if not, one push more does it.
    world.runner("last").push("00000000");
    assert_eq!(world.incoming(), [""; 0]);
    let loose = world.paths().iter().filter(|path| path.starts_with("records/2026-03/")).count();
    assert_eq!(loose as u64, PROCESSES * EACH);
}

/// Waits until `is_there`, a minute at most.
fn wait_for(mut is_there: impl FnMut() -> bool) {
    for _ in 0..30_000 {
        if is_there() {
            return;
        }
        thread::sleep(Duration::from_millis(2));
    }
    panic!("waited for a minute in vain");
}

#[cfg(target_os = "linux")]
#[test]
#[expect(clippy::disallowed_methods, reason = "how long a push takes here says when to kill one")]
fn a_push_that_is_killed_anywhere_loses_nothing_it_said_it_did() {
    use std::{os::unix::process::CommandExt as _, process::Command, time::Instant};
    const ROUNDS: u32 = 24;
    let world = World::new();
    let runner = world.runner("runner");
    // As on a remote machine: the client's death is not the server's.
    git(&runner.clone, &["config", "remote.origin.receivepack", "setsid git-receive-pack"]);
    let acks_path = world.path("acks");
    let start = |first, n| {
        let mut command = pusher(&runner.clone, runner.store.root(), &acks_path, first, n);
        command.process_group(0).spawn().expect("a process")
    };
    let begun = Instant::now();
    finish(start(1, 1));
    let one_push = begun.elapsed();
    let mut n_left = 0;
    for round in 0..ROUNDS {
        let mut child = start(1_000 * u64::from(round + 1), 1_000);
        // In turn: from its first steps on, from the first push it said it did, and from when it has put something down.
        let (n_said, left) = (acks(&acks_path).len(), world.put_down());
        wait_for(|| match round % 3 {
            0 => true,
            1 => acks(&acks_path).len() > n_said,
            _ => !world.put_down().is_subset(&left),
        });
        thread::sleep(one_push * (round / 3) / (ROUNDS / 3));
        let group = format!("-{}", child.id());
        assert!(Command::new("kill").args(["-9", "--", &group]).status().expect("kill").success());
        let status = child.wait().expect("a process");
        assert_eq!(status.code(), None, "round {round}: it was to be killed, and ended: {status}");
        thread::sleep(Duration::from_millis(50));
        n_left += usize::from(!world.incoming().is_empty());
        let fsck = raw(&world.remote(), &["fsck", "--no-dangling"]).output().expect("git");
        assert!(fsck.status.success(), "round {round}: {}", String::from_utf8_lossy(&fsck.stderr));
        let (records, skipped) = world.pulled(&format!("reader-{round}"));
        assert_eq!(skipped, [], "round {round}");
        for (digest, _) in acks(&acks_path) {
            assert!(
                records.contains(&digest),
                "round {round}: {digest} was pushed, and is not there"
            );
        }
    }
    let n_said = acks(&acks_path).len();
    println!(
        "{ROUNDS} kills, {n_said} pushes acknowledged, {n_left} times something was left to fold"
    );
    // The first was not killed. Some must be caught between their two steps, or the test tests nothing.
    assert!(n_said > 1 && n_left > 0, "{n_said} acknowledged, {n_left} left");
    let kept = runner.store.records().unwrap();
    runner.push("00000000");
    assert_eq!(world.incoming(), [""; 0]);
    assert_eq!(world.pulled("last").0, kept);
}

#[test]
fn what_a_killed_push_left_is_folded_by_the_next() {
    let world = World::new();
    let (dead, next) = (world.runner("dead"), world.runner("next"));
    let left = dead.keep(&record(1, "2026-03"));
    // The server takes what is put down, and not yet the fold.
    world.hook("pre-receive", "#!/bin/sh\n! grep -q refs/heads\n");
    let error = dead.try_push("0123456789abcdef", NOW).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    let text = error.to_string();
    assert!(
        text.contains("pre-receive hook declined") && text.contains("contents: write"),
        "{text}"
    );
    assert!(text.contains("safe in `refs/tritgate/incoming/tritgate/0123456789abcdef`"), "{text}");
    assert_eq!(world.incoming(), ["tritgate/0123456789abcdef"]);
    // A pull sees it already.
    assert_eq!(world.pulled("reader"), (vec![left], Vec::new()));

    fs::remove_file(world.remote().join("hooks/pre-receive")).unwrap();
    let pushed = next.push("00000001");
    assert_eq!((pushed.n_records, pushed.n_folded, pushed.retries), (0, 1, 0));
    assert_eq!(world.incoming(), [""; 0]);
    assert_eq!(world.paths(), [".nojekyll".to_owned(), format!("records/2026-03/{left}.json")]);
    assert_eq!(next.push("00000002").commit, None);
}

#[test]
fn months_that_are_over_are_packed_and_a_late_record_joins_its_pack() {
    let world = World::new();
    let runner = world.runner("runner");
    let mut kept: Vec<Digest> = ["2025-11", "2025-11", "2025-12", "2026-01"]
        .iter()
        .zip(0..)
        .map(|(month, seed)| runner.keep(&record(seed, month)))
        .collect();
    let push = |unique: &str, now: &str| runner.try_push(unique, now).expect("a push");
    // In January, December is the month before, and stays.
    assert_eq!(push("00000001", "2026-01-05T00:00:00.000Z").months, ["2025-11"]);
    let loose = |world: &World| world.paths().iter().filter(|path| path.starts_with("rec")).count();
    assert_eq!(loose(&world), 2);
    assert_eq!(push("00000002", "2026-02-05T00:00:00.000Z").months, ["2025-12"]);
    kept.push(runner.keep(&record(9, "2025-11")));
    assert_eq!(push("00000003", "2026-03-05T00:00:00.000Z").months, ["2025-11", "2026-01"]);
    assert_eq!(
        world.paths(),
        [".nojekyll", "packs/2025-11.jsonl", "packs/2025-12.jsonl", "packs/2026-01.jsonl"]
    );
    let november = String::from_utf8(world.file("packs/2025-11.jsonl")).unwrap();
    assert_eq!(november.lines().count(), 3);
    assert!(november.starts_with("{\"digest\":\"") && november.lines().is_sorted());
    kept.sort();
    let (records, skipped) = world.pulled("reader");
    assert_eq!((records, skipped.len()), (kept, 0));
    // What is packed is not pushed again.
    assert_eq!(push("00000004", "2026-03-06T00:00:00.000Z").commit, None);
}

#[test]
fn a_pack_with_a_bad_line_is_named_left_as_it_is_and_made_up_for() {
    let world = World::new();
    let runner = world.runner("runner");
    let digests = [1, 2].map(|seed| runner.keep(&record(seed, "2025-11")));
    runner.push("00000001");
    let text = String::from_utf8(world.file("packs/2025-11.jsonl")).unwrap();
    let edited = text.replacen("fingerprint", "fingerprinT", 1);
    replace(&world, "packs/2025-11.jsonl", edited.as_bytes());
    let (records, skipped) = world.pulled("reader");
    assert_eq!((records.len(), skipped.len()), (1, 1));
    assert!(
        skipped[0].what == "packs/2025-11.jsonl" && skipped[0].why.contains("line 1"),
        "{skipped:?}"
    );
    // Who has the record puts it there again.
    let pushed = runner.push("00000002");
    assert_eq!((pushed.months.len(), pushed.skipped.len()), (0, 1), "{pushed:?}");
    assert_eq!(world.file("packs/2025-11.jsonl"), edited.as_bytes());
    let mut all = digests.to_vec();
    all.sort();
    assert_eq!(world.pulled("again").0, all);
}

/// Edits a file of the branch by hand.
fn replace(world: &World, path: &str, bytes: &[u8]) {
    let remote = world.remote();
    let blob = git_with(&remote, &["hash-object", "-w", "--stdin"], bytes);
    let index = format!("100644,{blob},{path}");
    let env = |args: &[&str]| {
        let mut command = raw(&remote, args);
        let output = command.env("GIT_INDEX_FILE", remote.join("by-hand")).output().expect("git");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned()
    };
    env(&["read-tree", "tritgate"]);
    env(&["update-index", "--add", "--cacheinfo", &index]);
    let tree = env(&["write-tree"]);
    let commit = git(&remote, &["commit-tree", "-p", "tritgate", "-m", "by hand", &tree]);
    git(&remote, &["update-ref", "refs/heads/tritgate", &commit]);
}

/// A store with a binary, so that entries can be added.
fn with_binary(runner: &Runner) -> Digest {
    let path = runner.clone.join(".git/bench");
    fs::write(&path, b"#!/bin/sh\n").expect("a file");
    runner.store.put_binary(&path).expect("a binary")
}

fn add(runner: &Runner, seed: u64) -> Digest {
    let mut record = record(seed, "2026-03");
    record.subject.binary = with_binary(runner);
    let digest = runner.keep(&record.sealed());
    let note = Note {
        at: NOW.to_owned(),
        reason: format!("record {seed}"),
        recorded_by: "ci".to_owned(),
        approved_by: None,
    };
    runner.store.append("main", &[(Action::Record, digest)], &note).expect("an entry");
    digest
}

fn journal(store: &DirStore) -> Vec<u8> {
    let journal = store.journal("main").expect("it holds");
    journal.map_or_else(Vec::new, |journal| journal.as_bytes().to_vec())
}

#[test]
fn a_journal_goes_on_on_either_side_and_one_that_parted_stays_on_both() {
    let world = World::new();
    let (first, second) = (world.runner("first"), world.runner("second"));
    let points_at = add(&first, 1);
    assert_eq!(first.push("00000001").journals, ["main"]);
    assert_eq!(world.file("baselines/main.jsonl"), journal(&first.store));

    // The binary stays behind, and the journal holds all the same.
    let pulled = second.branch.pull(&second.store).unwrap();
    assert_eq!((pulled.n_new, pulled.journals), (1, vec!["main".to_owned()]));
    assert_eq!(journal(&second.store), journal(&first.store));
    assert_eq!(second.store.resolve("main").unwrap(), points_at);
    assert_eq!(second.store.binaries().unwrap(), []);
    assert_eq!(second.branch.pull(&second.store).unwrap().journals, [""; 0]);

    // Ahead, behind.
    add(&second, 2);
    assert_eq!(second.push("00000002").journals, ["main"]);
    assert_eq!(first.push("00000003").commit, None);
    assert_eq!(world.file("baselines/main.jsonl"), journal(&second.store));

    // Parted: the record gets there, the journals stay.
    let parted = add(&first, 3);
    let (ours, theirs) = (journal(&first.store), journal(&second.store));
    let error = first.try_push("00000004", NOW).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    let text = error.to_string();
    assert!(text.contains("1 record was pushed") && text.contains("`main`"), "{text}");
    assert!(text.contains("`bench baseline pull` into another store"), "{text}");
    assert_eq!(world.file("baselines/main.jsonl"), theirs);
    assert!(world.paths().contains(&format!("records/2026-03/{parted}.json")));
    assert_eq!(world.incoming(), [""; 0]);
    let error = first.branch.pull(&first.store).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(error.to_string().contains("1 new records were taken"), "{error}");
    assert_eq!(journal(&first.store), ours);
    assert_eq!(first.store.records().unwrap().len(), 3);
}

/// Who only adds records is safe by the deletion of what was put down alone; this one puts nothing down.
#[test]
fn a_push_that_is_overtaken_between_its_look_and_its_fold_looks_again() {
    let world = World::new();
    let (slow, fast) = (world.runner("slow"), world.runner("fast"));
    let first = add(&slow, 1);
    slow.push("00000001");
    let note = Note {
        at: NOW.to_owned(),
        reason: "replaced".to_owned(),
        recorded_by: "ci".to_owned(),
        approved_by: None,
    };
    slow.store.append("main", &[(Action::Expire, first)], &note).unwrap();
    // The server answers its next push only once the other has ended.
    let (at, go, wrapper) = (world.path("at"), world.path("go"), world.path("slow-server"));
    let script = format!(
        "#!/bin/sh\ntouch {}\nwhile [ ! -e {} ]; do sleep 0.01; done\nexec git-receive-pack \"$@\"\n",
        at.display(),
        go.display()
    );
    executable(&wrapper, &script);
    git(&slow.clone, &["config", "remote.origin.receivepack", wrapper.to_str().unwrap()]);
    let second = fast.keep(&record(2, "2026-03"));
    let pushed = thread::scope(|scope| {
        let slow = scope.spawn(|| slow.push("00000002"));
        wait_for(|| at.exists());
        fast.push("00000003");
        fs::write(&go, b"").unwrap();
        slow.join().unwrap()
    });
    assert_eq!((pushed.journals, pushed.retries), (vec!["main".to_owned()], 1));
    let mut both = vec![first, second];
    both.sort();
    assert_eq!(world.pulled("reader").0, both);
    assert_eq!(world.file("baselines/main.jsonl"), journal(&slow.store));
}

#[test]
fn a_journal_of_the_branch_that_does_not_hold_is_neither_taken_nor_written_over() {
    let world = World::new();
    let runner = world.runner("runner");
    add(&runner, 1);
    runner.push("00000001");
    let edited = String::from_utf8(journal(&runner.store))
        .unwrap()
        .replace("\"name\":\"main\"", "\"name\":\"mein\"");
    replace(&world, "baselines/main.jsonl", edited.as_bytes());
    add(&runner, 2);
    let error = runner.try_push("00000002", NOW).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert!(
        error.to_string().contains("in the branch: journal of baseline `main`, line 1"),
        "{error}"
    );
    assert_eq!(world.file("baselines/main.jsonl"), edited.as_bytes());
    let reader = world.runner("reader");
    let error = reader.branch.pull(&reader.store).unwrap_err();
    assert!(error.to_string().contains("2 new records were taken"), "{error}");
    assert_eq!(reader.store.journal("main").unwrap(), None);
}

/// Requirement: C1.
#[test]
fn what_is_forged_beside_the_branch_is_named_and_neither_folded_nor_fatal() {
    let world = World::new();
    let forger = world.runner("forger");
    let good = record(1, "2026-03");
    let (bytes, digest) = (good.to_json(), Digest::of(&good.to_json()));
    let blob = |bytes: &[u8]| git_with(&forger.clone, &["hash-object", "-w", "--stdin"], bytes);
    let tree = |entries: &[(&str, &str, &str)]| {
        let mut raw = Vec::new();
        // As bytes: `git mktree` would refuse some of them.
        for (mode, name, oid) in entries {
            raw.extend(format!("{mode} {name}\0").into_bytes());
            raw.extend(
                (0..40).step_by(2).map(|at| u8::from_str_radix(&oid[at..at + 2], 16).unwrap()),
            );
        }
        let args = ["hash-object", "-w", "--literally", "-t", "tree", "--stdin"];
        git_with(&forger.clone, &args, &raw)
    };
    let commit = |tree: &str| git(&forger.clone, &["commit-tree", "-m", "forged", tree]);
    let records = |mode: &str, month: &str, file: &str, oid: &str| {
        commit(&tree(&[(
            "40000",
            "records",
            &tree(&[("40000", month, &tree(&[(mode, file, oid)]))]),
        )]))
    };
    let (oid, file) = (blob(&bytes), format!("{digest}.json"));
    let other = record(2, "2026-03");
    let edited = String::from_utf8(bytes).unwrap().replacen('1', "2", 1);
    let notes = b"no record".as_slice();
    let forged = [
        (
            "wrong digest",
            records("100644", "2026-03", &file, &blob(edited.as_bytes())),
            "expected SHA-256",
        ),
        (
            "another record",
            records("100644", "2026-03", &file, &blob(&other.to_json())),
            "expected SHA-256",
        ),
        ("symlink", records("120000", "2026-03", &file, &oid), "found `records/2026-03/"),
        ("executable", records("100755", "2026-03", &file, &oid), "found `records/2026-03/"),
        (
            "submodule",
            records("160000", "2026-03", &file, &commit(&tree(&[]))),
            "found `records/2026-03/",
        ),
        ("other month", records("100644", "2026-04", &file, &oid), "ended in 2026-04"),
        (
            "no record",
            records("100644", "2026-03", &format!("{}.json", Digest::of(notes)), &blob(notes)),
            "run record",
        ),
        (
            "outside",
            commit(&tree(&[("40000", "..", &tree(&[("100644", "x", &oid)]))])),
            "found `../`",
        ),
        ("outside below", records("40000", "..", "x", &tree(&[])), "found `records/..`"),
        ("slash in a name", commit(&tree(&[("100644", "../x", &oid)])), "found `../x`"),
        ("file for folder", commit(&tree(&[("100644", "records", &oid)])), "found `records`"),
        (
            "file in records",
            commit(&tree(&[("40000", "records", &tree(&[("100644", "x", &oid)]))])),
            "found `records/x`",
        ),
        ("other file", commit(&tree(&[("100644", "README.md", &oid)])), "found `README.md`"),
        (
            "journal",
            commit(&tree(&[("40000", "baselines", &tree(&[("100644", "main.jsonl", &oid)]))])),
            "found `baselines/main`",
        ),
        (
            "page too large",
            commit(&tree(&[("100644", "index.html", &blob(&vec![b' '; (32 << 20) + 1]))])),
            "found 33554433",
        ),
        ("no commit", oid.clone(), "expected a commit, found a blob"),
    ];
    for (n, (what, oid, _)) in forged.iter().enumerate() {
        let refspec = format!("{oid}:refs/tritgate/incoming/tritgate/{n:08x}");
        let output = raw(&forger.clone, &["push", "--quiet", "origin", &refspec]).output().unwrap();
        assert!(output.status.success(), "{what}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let unnamed = format!("{}:refs/tritgate/incoming/tritgate/not-hex", commit(&tree(&[])));
    git(&forger.clone, &["push", "--quiet", "origin", &unnamed]);

    let runner = world.runner("runner");
    // As a careful user may have it: git itself would refuse the forged trees.
    git(&runner.clone, &["config", "transfer.fsckObjects", "true"]);
    let kept = runner.keep(&record(7, "2026-03"));
    let pushed = runner.push("ffffffff");
    assert_eq!((pushed.n_records, pushed.n_folded, pushed.retries), (1, 0, 0));
    let why = |name: &str| {
        let found = pushed.skipped.iter().find(|skipped| skipped.what.ends_with(name));
        found.unwrap_or_else(|| panic!("{name}: {:?}", pushed.skipped)).why.clone()
    };
    for (n, (what, _, expected)) in forged.iter().enumerate() {
        let why = why(&format!("refs/tritgate/incoming/tritgate/{n:08x}"));
        assert!(why.contains(expected), "{what}: {why}");
    }
    assert!(why("not-hex").contains("hex digits"));
    assert_eq!(pushed.skipped.len(), forged.len() + 1);
    assert_eq!(world.paths(), [".nojekyll".to_owned(), format!("records/2026-03/{kept}.json")]);
    assert_eq!(world.incoming().len(), forged.len() + 1);
    let (records, skipped) = world.pulled("reader");
    assert_eq!((records, skipped.len()), (vec![kept], forged.len() + 1));
}

#[test]
fn a_page_is_at_the_top_and_stays_until_the_next() {
    let world = World::new();
    let runner = world.runner("runner");
    let push = |unique: &str, page| {
        runner.branch.push(&runner.store, Push { now: NOW, unique, page }).unwrap()
    };
    assert!(push("00000001", Some(b"<h1>one</h1>".as_slice())).page);
    assert_eq!(world.paths(), [".nojekyll", "index.html"]);
    runner.keep(&record(1, "2026-03"));
    assert!(!push("00000002", None).page);
    assert_eq!(world.file("index.html"), b"<h1>one</h1>");
    assert!(push("00000003", Some(b"<h1>two</h1>".as_slice())).page);
    assert_eq!(world.file("index.html"), b"<h1>two</h1>");
    assert_eq!(push("00000004", Some(b"<h1>two</h1>".as_slice())).commit, None);
    // What the user put beside it is not ours to remove.
    replace(&world, "CNAME", b"bench.example\n");
    push("00000005", Some(b"<h1>three</h1>".as_slice()));
    assert_eq!(world.file("CNAME"), b"bench.example\n");
}

#[test]
fn the_users_repository_stays_as_it_was_and_git_dir_does_not_mislead() {
    let world = World::new();
    let runner = world.runner("runner");
    let decoy = world.runner("decoy");
    let clone = &runner.clone;
    fs::write(clone.join("staged.txt"), "staged\n").unwrap();
    git(clone, &["add", "staged.txt"]);
    fs::write(clone.join("code.txt"), "changed\n").unwrap();
    fs::write(clone.join("untracked.txt"), "untracked\n").unwrap();
    let ran = world.path("ran");
    for hook in ["pre-push", "reference-transaction", "post-index-change"] {
        let script = format!("#!/bin/sh\necho {hook} >> {}\n", ran.display());
        executable(&clone.join(".git/hooks").join(hook), &script);
    }
    let state = |clone: &std::path::Path| {
        let said = |args: &[&str]| {
            // Hooks of the user's that this look itself would run are no fault of a push.
            git(clone, &[&["-c", "core.hooksPath=/dev/null"], args].concat())
        };
        let index = fs::read(clone.join(".git/index")).unwrap();
        let fetch_head = clone.join(".git/FETCH_HEAD").exists();
        (
            said(&["rev-parse", "HEAD"]),
            said(&["for-each-ref", "refs/heads", "refs/tags"]),
            said(&["--no-optional-locks", "status", "--porcelain"]),
            said(&["config", "--local", "--list"]),
            (index, fetch_head, fs::read_to_string(clone.join(".git/HEAD")).unwrap()),
        )
    };
    let before = (state(clone), state(&decoy.clone));
    let mut command = pusher(clone, runner.store.root(), &world.path("acks"), 1, 2);
    command.env("GIT_DIR", decoy.clone.join(".git")).env("GIT_WORK_TREE", &decoy.clone);
    command.env("GIT_INDEX_FILE", decoy.clone.join(".git/index")).env("GIT_NAMESPACE", "elsewhere");
    finish(command.spawn().unwrap());
    runner.branch.pull(&DirStore::open(&world.path("copy")).unwrap()).unwrap();
    assert_eq!((state(clone), state(&decoy.clone)), before);
    assert!(!ran.exists(), "{}", fs::read_to_string(&ran).unwrap());
    let refs = |clone| git(clone, &["for-each-ref", "--format=%(refname)", "refs/tritgate"]);
    assert_eq!(refs(&decoy.clone), "");
    assert!(refs(clone).starts_with("refs/tritgate/seen/"), "{}", refs(clone));
    assert_eq!(world.pulled("reader").0.len(), 2);
}

#[test]
fn a_branch_that_is_missing_is_empty_and_one_of_something_else_is_refused() {
    let world = World::new();
    let runner = world.runner("runner");
    let pulled = runner.branch.pull(&runner.store).unwrap();
    assert_eq!((pulled.exists, pulled.n_new, pulled.skipped.len()), (false, 0, 0));
    assert_eq!(runner.push("00000001").commit, None);

    git(&runner.clone, &["push", "--quiet", "origin", "HEAD:refs/heads/main"]);
    runner.keep(&record(1, "2026-03"));
    let main = Branch::new(&runner.clone, "origin", "main").unwrap();
    let push = Push { now: NOW, unique: "00000002", page: None };
    for error in
        [main.push(&runner.store, push).unwrap_err(), main.pull(&runner.store).unwrap_err()]
    {
        assert_eq!(error.kind(), ErrorKind::Malformed);
        assert!(error.to_string().contains("choose another with `--branch`"), "{error}");
    }
    // Marked as ours is, with a folder that is not.
    runner.push("00000003");
    replace(&world, "src/main.rs", b"fn main() {}\n");
    runner.keep(&record(2, "2026-03"));
    let error = runner.try_push("00000004", NOW).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
    assert!(error.to_string().contains("found one with `src/`"), "{error}");
    assert_eq!(world.incoming(), [""; 0]);
}

#[test]
fn two_branches_of_one_remote_stay_apart() {
    let world = World::new();
    let runner = world.runner("runner");
    let other = Branch::new(&runner.clone, "origin", "tritgate-arm").unwrap();
    let kept = runner.keep(&record(1, "2026-03"));
    // Left beside one branch, by a push that was killed.
    world.hook("pre-receive", "#!/bin/sh\n! grep -q refs/heads\n");
    runner.try_push("00000001", NOW).unwrap_err();
    fs::remove_file(world.remote().join("hooks/pre-receive")).unwrap();
    let empty = DirStore::open(&world.path("empty")).unwrap();
    let push = Push { now: NOW, unique: "00000002", page: None };
    assert_eq!(other.push(&empty, push).unwrap().n_folded, 0);
    assert_eq!(world.incoming(), ["tritgate/00000001"]);
    assert_eq!(world.runner("next").push("00000003").n_folded, 1);
    assert_eq!(world.pulled("reader").0, [kept]);
}

#[test]
fn what_stands_in_the_way_is_said_with_a_way_out() {
    let world = World::new();
    let runner = world.runner("runner");
    runner.keep(&record(1, "2026-03"));
    let push = Push { now: NOW, unique: "00000001", page: None };
    let said = |folder: &std::path::Path, remote: &str| {
        let branch = Branch::new(folder, remote, "tritgate").unwrap();
        let error = branch.push(&runner.store, push).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io, "{error}");
        let pulled = branch.pull(&runner.store).unwrap_err().to_string();
        assert_eq!(pulled, error.to_string());
        pulled
    };
    let text = said(&runner.clone, "nowhere");
    assert!(text.contains("'nowhere' does not appear to be a git repository"), "{text}");
    assert!(text.contains("`git remote -v`"), "{text}");
    let text = said(&runner.clone, "file://me:secret@localhost/nothing.git");
    assert!(!text.contains("secret") && text.contains("***@"), "{text}");
    let text = said(&world.path(""), "origin");
    assert!(text.contains("expected a repository") && text.contains("run in a clone"), "{text}");

    world.hook("pre-receive", "#!/bin/sh\necho 'no writing here' >&2\nexit 1\n");
    let error = runner.try_push("00000002", NOW).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    let text = error.to_string();
    for words in [
        "pre-receive hook declined",
        "remote: no writing here",
        "contents: write",
        "`refs/tritgate/incoming/",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(!text.contains('\n') && !text.contains("safe in"), "{text}");
    for (now, unique) in [("today", "00000001"), (NOW, "not hex!"), (NOW, "12")] {
        assert_eq!(runner.try_push(unique, now).unwrap_err().kind(), ErrorKind::Malformed);
    }
}
