/** What the agent is told by the commands that every relay has. */

const INIT = `Write AGENTS.md for this repository: the page that an agent, or a person who is new here, reads before anything else.

Look before you write. Find out, from the files themselves and by running what can be run here:
- the commands: how it is installed, built, checked, formatted, and how all tests and a single test are run. Take them from package.json, Makefile, the \
configuration of continuous integration and the like, and try them;
- the layout: which folder is what, where the program begins, where the tests are;
- the conventions that the code follows and that nobody would guess: names, errors, imports, how tests are written, what is generated and must not be edited;
- what is particular here: surprises, reasons, things that look wrong and are meant.

Read what says some of that already: README.md, CONTRIBUTING.md, lessons-learned.md, and rules for other agents (CLAUDE.md, GEMINI.md, .cursorrules, \
.cursor/rules, .github/copilot-instructions.md). Take what is true and useful, and do not repeat what README.md says well: refer to it.

Then write AGENTS.md at the root. Where there is one, keep what it says, correct what is no longer true, and add what is missing. At most about 100 lines: \
every line is read at every task, so each has to be worth it. Only what you found here, nothing that is good advice anywhere, and no command that you did not \
find or try; say of one that you could not try. Change no other file.

$ARGUMENTS`;

const REVIEW = `Have the changes of this task reviewed, and act on what is found.

Call task with the role reviewer: tell it what the task was, what the changes are meant to do and what to look at closely, for it knows nothing of this \
conversation. Look at each finding yourself, at the code it is about. Mend what is right; leave what is not. Run the checks again where you changed something. End \
with what was found, what you mended, and what you did not and why.

$ARGUMENTS`;

/** By name. `plan` is none of them: it says how to work, and the agent reads it as it was written. */
export const OWN_TEMPLATES: Readonly<Record<string, string | undefined>> = Object.assign(
  Object.create(null),
  {
    init: INIT,
    review: REVIEW,
  },
);
