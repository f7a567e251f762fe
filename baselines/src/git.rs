//! Starting `git` for one folder, whatever the caller's environment says.
//! In: a command that will start git. Out: the same, without the variables that lead it into another repository.

use std::process::Command;

/// Variables by which git would look into another repository than the folder's, or see other objects there: a hook sets
/// them. Those of configuration stay: a job may hand over its credentials in them.
const MISLEADING: &[&str] = &[
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_GRAFT_FILE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_QUARANTINE_PATH",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_WORK_TREE",
];

/// Removes what would mislead a `git` that this command starts, itself or through others.
pub fn isolate(command: &mut Command) -> &mut Command {
    for name in MISLEADING {
        command.env_remove(name);
    }
    command
}
