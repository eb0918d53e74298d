/**
 * The shell scripts that run inside a sandbox. They are constants: what differs from run to run comes as positional
 * parameters and is always quoted. POSIX sh, sed -z, xargs -0, touch -h, and Git 2.32 or newer.
 *
 * `$1` is the workspace and `$2` the scratch folder; of those that fill it, `$3` is the file in the scratch folder that the relay sent,
 * `$4` the task, `$5` the branch that the workspace is on, and `$6` the tree that its files end at, empty where that is the base.
 * The capture repository lives in the scratch folder with an index of its own, so nothing that the agent does to the workspace's `.git` matters to it.
 */

/** No configuration of the machine or of the agent applies. */
export const SCRIPT_ENV = {
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_ATTR_NOSYSTEM: '1',
  GIT_TERMINAL_PROMPT: '0',
  GIT_ALLOW_PROTOCOL: 'file',
  GIT_DEFAULT_HASH: 'sha1',
  LC_ALL: 'C',
};

/** What keeps every byte as it is in both directions. `info/attributes` outranks every `.gitattributes`. */
const BYTE_EXACT = '* -text -eol -filter -ident -working-tree-encoding';

/** One at a time of the scripts that give a workspace files of the relay's. `$2` is the scratch folder. */
export const ONE_AT_A_TIME = `
if command -v flock >/dev/null; then
  exec 9<"$2"
  flock 9 || :
fi
`;

/**
 * How filling begins. One runs at a time, and looks what the one before it noted: a relay that slept sends its own long after another
 * has filled the machine and an agent works there. A task's own base may have moved on to `$8` since.
 */
const BEGIN = `
set -eu
umask 022
workspace=$1 scratch=$2 given=$3 task=$4 branch=$5 head=$6
capture=$scratch/capture.git
${ONE_AT_A_TIME}
found='' filled_for=''
[ ! -e "$capture/handoff-ready" ] || read -r found filled_for <"$capture/handoff-ready" || :
if [ "$filled_for" = "$task" ] && [ "\${8:-$found}" = "$found" ]; then
  rm -f "$scratch/$given"
  exit 0
fi
`;

/** Brings a workspace whose files, and whose capture repository's index, are at the base to `$head`, where that is set. */
const TO_HEAD = `
# A submodule is an empty folder here; whatever becomes of it is not part of the proposal.
pass_over_submodules() {
  git ls-files --stage -z | sed -z -n 's/^160000 [^\\t]*\\t//p' | git update-index -z --skip-worktree --stdin
}
pass_over_submodules
base=$(git rev-parse refs/handoff/base)
# The agent's own index stays at the base: what the proposal changes is a change to it, not yet added.
cp -p "$capture/index" "$capture/index.base"
if [ -n "$head" ]; then
  git -c checkout.workers=4 read-tree --reset -u "$head"
  # Not the time that the base's files had, or Git could take a file of the same size for unchanged.
  git diff-tree -r -z --name-only --no-renames --diff-filter=d "$base" "$head" | xargs -0 -r touch -c -h -t 200001010001 --
  git update-index -q --refresh || :
  pass_over_submodules
fi
`;

/** Gives the agent a repository of its own, and notes which base it is, and whose. */
const FINISH = `
export GIT_DIR="$workspace/.git"
git init --quiet --template= "$workspace"
mkdir -p .git/info .git/objects/info
echo '${BYTE_EXACT}' >.git/info/attributes
printf '%s\\n' "$capture/objects" >.git/objects/info/alternates
git symbolic-ref HEAD "refs/heads/$branch"
git update-ref "refs/heads/$branch" "$base"
git config user.name 'Handoff agent'
git config user.email handoff@localhost
mv "$capture/index.base" .git/index

printf '%s %s\\n' "$base" "$task" >"$capture/handoff-ready.part"
mv "$capture/handoff-ready.part" "$capture/handoff-ready"
rm -f "$scratch/$given"
`;

/**
 * Fills an empty workspace from a bundle. Done once: a marker ends it, also an empty one or a base alone, as earlier versions left them.
 * Until then nobody but this script has written to the workspace, so each part may overwrite what an earlier attempt left.
 */
export const CHECKOUT_SCRIPT = `${BEGIN}
if [ -e "$capture/handoff-ready" ]; then
  rm -f "$scratch/$given"
  [ -n "$filled_for" ] || exit 0
  echo 'It was filled for another task meanwhile.' >&2
  exit 1
fi
rm -rf "$capture" "$workspace/.git"
mkdir -p "$workspace"

git init --quiet --bare --template= "$capture"
mkdir -p "$capture/info"
echo '${BYTE_EXACT}' >"$capture/info/attributes"
cat >>"$capture/config" <<'CONFIG'
[core]
	bare = false
	autocrlf = false
	ignoreCase = false
	symlinks = true
	fileMode = true
	attributesFile = /dev/null
	excludesFile = /dev/null
	hooksPath = /dev/null
	fsmonitor = false
	logAllRefUpdates = false
[gc]
	auto = 0
CONFIG
git --git-dir="$capture" fetch --quiet --no-tags "$scratch/$given" 'refs/handoff/*:refs/handoff/*'
cd "$workspace"
export GIT_DIR="$capture" GIT_WORK_TREE="$workspace"
git -c checkout.workers=4 read-tree --reset -u refs/handoff/base
# Files as old as the index could have changed unseen, so every capture would read them all again. None is, after this.
git ls-files -z | xargs -0 -r touch -c -h -t 200001010000 --
git update-index -q --refresh || :
${TO_HEAD}${FINISH}`;

/**
 * The same for a workspace that was filled for another task of the repository, or for an earlier base of its own, from a pack of what is new: `$7` is the base that it has
 * now, `$8` the base that it gets. What is ignored there, such as installed packages, stays; what is not would be taken for the agent's
 * work, and goes. Until it is noted that it is done, each part may be repeated.
 */
export const MOVE_SCRIPT = `${BEGIN}
from=$7 to=$8
if [ "$found" != "$from" ]; then
  echo 'It was filled anew meanwhile.' >&2
  exit 1
fi
rm -f "$capture/index.lock" "$capture/refs/handoff/base.lock"
rm -rf "$workspace/.git"
export GIT_DIR="$capture" GIT_WORK_TREE="$workspace"
cd "$workspace"
git index-pack --stdin --fix-thin <"$scratch/$given" >/dev/null
git update-ref refs/handoff/base "$to"
git -c checkout.workers=4 read-tree --reset -u "$to"
git diff-tree -r -z --name-only --no-renames --diff-filter=d "$from" "$to" | xargs -0 -r touch -c -h -t 200001010000 --
git update-index -q --refresh || :
${TO_HEAD}
# Repositories inside it are no part of any capture, and stay, as they do where setup makes them in the task's own machine.
git clean -fdq || {
  # In a folder that may not be written to.
  git ls-files -z --others --exclude-standard --directory | sed -z 's|^|./|' |
    xargs -0 -r sh -c 'find "$@" -type d -exec chmod u+rwx {} \\;' handoff
  git clean -fdq
}
${FINISH}`;

/** How the capture script says that another run has, or had, the index. */
export const CAPTURE_LOCKED = 75;

/**
 * `$3` is the tree that the relay has, `$4` the name that a pack of the difference gets, `$5` the tree of the last capture, `$6` is `unlock`
 * where the caller knows that no other capture runs. Prints the tree's name, and after a space `pack` where there is one.
 *
 * The pack holds what the last capture does not have: the relay has that one, or at least the base.
 * What Git cannot take in (an unreadable file, a repository inside the workspace) is left out. Git ends with 1 or warns then, and
 * only then is the index looked through for new repositories; the submodules of the base are marked, and stay.
 */
export const CAPTURE_SCRIPT = `
set -eu
export GIT_DIR="$2/capture.git" GIT_WORK_TREE="$1"
cd "$1"
if [ -e "$GIT_DIR/index.lock" ]; then
  [ "\${6-}" = unlock ] || exit ${CAPTURE_LOCKED}
  rm -f "$GIT_DIR/index.lock"
fi
failed=0
said=$(git add --all --ignore-errors . 2>&1) || failed=$?
if [ "$failed" -gt 1 ]; then
  printf '%s\\n' "$said" >&2
  exit "$failed"
fi
if [ -n "$said" ]; then
  git ls-files -t --stage -z | sed -z -n 's/^H 160000 [^\\t]*\\t//p' | git update-index -z --force-remove --stdin
fi
tree=$(git write-tree)
if [ "$tree" = "$3" ]; then
  echo "$tree"
  exit 0
fi
rm -f "$2"/capture-*.pack
pack() {
  printf '%s\\n^%s\\n' "$tree" "$2" | git pack-objects --quiet --revs --stdout --delta-base-offset >"$1"
}
pack "$2/$4" "$5" 2>/dev/null || pack "$2/$4" 'refs/handoff/base^{tree}'
echo "$tree pack"
`;
