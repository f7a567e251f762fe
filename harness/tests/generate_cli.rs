//! `bench model generate` where the prompt comes from elsewhere: a conversation, standard input; and what it refuses.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic")]

mod common;

use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use common::Folder;
use serde_json::Value;

/// The built-in model with a chat template put in front of its other keys.
fn with_template(template: &str) -> Vec<u8> {
    const KEY: &str = "tokenizer.chat_template";
    const HEADER: usize = 24;
    let path = "../engine/models/bitnet-stories-14m-i2_s.gguf";
    let file = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    // The tensors begin at a multiple of 32 bytes: so long must the new key be, or else they would move.
    let unpadded = 8 + KEY.len() + 4 + 8 + template.len() + "{##}".len();
    let padding = " ".repeat(unpadded.next_multiple_of(32) - unpadded);
    let value = format!("{template}{{#{padding}#}}");
    let mut n_keys = [0; 8];
    n_keys.copy_from_slice(&file[16..HEADER]);
    let n_keys = u64::from_le_bytes(n_keys) + 1;
    let string = |text: &str| [&(text.len() as u64).to_le_bytes(), text.as_bytes()].concat();
    let key = [string(KEY), 8_u32.to_le_bytes().to_vec(), string(&value)].concat();
    [&file[..16], &n_keys.to_le_bytes(), &key, &file[HEADER..]].concat()
}

/// `bench` with something on its standard input; its exit code, stdout and stderr.
fn piped(args: &[&str], input: &[u8]) -> (i32, String, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_bench"))
        .args(args)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("bench prints JSON")
}

const GREEDY: [&str; 4] = ["--temperature", "0", "--tokens", "12"];

#[test]
fn a_conversation_is_in_the_models_own_form_and_only_the_answer_is_printed() {
    let here = Folder::new();
    let template = "{% for m in messages %}[{{ m.role }}] {{ m.content }}. {% endfor %}";
    fs::write(here.path("chat.gguf"), with_template(template)).unwrap();
    let of = |args: &[&str]| {
        let all = [&["--format", "json", "model", "generate", "--model", "chat.gguf"], &GREEDY[..]];
        json(&here.bench(&[&all.concat()[..], args].concat()).expect(0, &[]).stdout)
    };
    let chat = of(&["--chat", "--system", "Be kind", "--prompt", "Hi"]);
    assert_eq!(
        chat["prompt_ids"],
        of(&["--prompt", "[system] Be kind. [user] Hi. "])["prompt_ids"]
    );
    let user = of(&["--chat", "--prompt", "Hi"]);
    assert_eq!(user["prompt_ids"], of(&["--prompt", "[user] Hi. "])["prompt_ids"]);

    let args = ["model", "generate", "--model", "chat.gguf", "--chat", "--prompt", "Hi"];
    let shown = here.bench(&[&args[..], &GREEDY[..]].concat()).expect(0, &["12 tokens,"]).stdout;
    assert_eq!(shown, format!("{}\n", user["text"].as_str().unwrap()));
}

#[test]
fn a_template_that_is_missing_wrong_or_broken_is_said() {
    let here = Folder::new();
    let generate = ["model", "generate", "--prompt", "Hi", "--tokens", "1"];
    here.bench(&[&generate[..], &["--chat"]].concat())
        .expect(1, &["model `stories` has no chat template", "leave out `--chat`"]);
    here.bench(&[&generate[..], &["--system", "Be kind"]].concat()).expect(1, &["--chat"]);
    for (template, code, said) in [
        // The official 2B-4T file's.
        ("Human: {{ messages }}\n\nBITNETAssistant: ", 0, "warning: key `tokenizer.chat_template`"),
        ("{{ raise_exception('roles must alternate') }}", 1, "roles must alternate"),
        ("{{ strftime_now('%Y') }}", 1, "unknown function"),
        (
            "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
            1,
            "fuel",
        ),
    ] {
        fs::write(here.path("m.gguf"), with_template(template)).unwrap();
        let args = [&generate[..], &["--chat", "--model", "m.gguf"]].concat();
        let run = here.bench(&args).expect(code, &[said]);
        assert!(code == 0 || run.stdout.is_empty(), "{}", run.stdout);
    }
}

#[test]
fn a_prompt_on_standard_input_is_the_prompt() {
    let args = [&["model", "generate", "--prompt"], &GREEDY[..]].concat();
    let with = |prompt| [&args[..3], &[prompt], &args[3..]].concat();
    let here = Folder::new();
    let given = here.bench(&with("Once upon\na time")).expect(0, &[]).stdout;
    assert!(given.starts_with("Once upon\na time"), "{given}");
    let (code, stdout, stderr) = piped(&with("-"), "Once upon\na time".as_bytes());
    assert_eq!((code, stdout), (0, given), "{stderr}");

    let (code, stdout, stderr) = piped(&with("-"), b"Once \xff upon");
    assert_eq!((code, stdout.as_str()), (1, ""));
    assert!(stderr.contains("expected UTF-8") && stderr.contains("byte 5"), "{stderr}");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test may look at the time")]
fn a_prompt_of_10_mb_is_refused_soon_and_with_its_size() {
    let start = Instant::now();
    let text = "Once upon a time. ".repeat(10_000_000 / 18);
    let (code, stdout, stderr) = piped(&["model", "generate", "--prompt", "-"], text.as_bytes());
    assert_eq!((code, stdout.as_str()), (1, ""), "{stderr}");
    assert!(stderr.contains("expected fewer than 512 tokens"), "{stderr}");
    // It takes 2 s; a tokenizer that is not linear would take hours.
    assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
}

#[test]
fn no_tokens_leave_the_prompt_and_numbers_out_of_range_are_named() {
    let here = Folder::new();
    let generate = ["model", "generate", "--prompt", "Once upon a time"];
    let none = here.bench(&[&generate[..], &["--tokens", "0"]].concat());
    assert_eq!(none.expect(0, &["0 tokens, stop: length"]).stdout, "Once upon a time\n");
    let none = ["--format", "json", "model", "generate", "--prompt", "a", "--tokens", "0"];
    let document = json(&here.bench(&none).expect(0, &[]).stdout);
    assert_eq!(document["ids"], Value::Array(Vec::new()));
    assert_eq!(document["metrics"]["first_token_ns"], Value::Null);
    for (option, value, said) in [
        ("--temperature", "-0.5", "`temperature`: expected a finite number from 0, found -0.5"),
        ("--temperature", "inf", "found inf"),
        ("--tokens", "-1", "invalid digit"),
        ("--seed", "-1", "invalid digit"),
        ("--seed", "18446744073709551616", "number too large"),
    ] {
        let option = format!("{option}={value}");
        let run = here.bench(&[&generate[..], &[&option]].concat()).expect(1, &[said]);
        assert_eq!(run.stdout, "", "{option}");
    }
    // A variable that is set by mistake is an error even where a flag overrules it.
    for args in [&generate[..], &[&generate[..], &["--seed", "1"]].concat()] {
        let run = here.bench_with(args, &[("BITNET_SEED", "abc")]);
        run.expect(1, &["environment variable `BITNET_SEED`", "\"abc\"", "BITNET_SEED=42"]);
    }
}
