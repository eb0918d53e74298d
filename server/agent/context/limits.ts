/** Every figure that bounds what a model is sent, in one place, each with its reason. Shares are of the model's window. */
export const CONTEXT = {
  /**
   * UTF-16 units that are taken for a token where no provider has counted: English prose and code have 3.5 to 4.5 with the tokenizers in
   * use. What the provider says of the last answer corrects it, so that a text in another script is not taken for a fourth of what it is.
   */
  charsPerToken: 4,
  /** How far that correction may go: beyond it, something else was counted. */
  leastScale: 0.5,
  mostScale: 5,
  /** What a message and a call take besides their text, in UTF-16 units: names, ids and marks of the format. */
  messageChars: 40,
  /** What an image or a page is taken for, in UTF-16 units: about 1500 tokens at the providers that say. */
  mediaChars: 6000,

  /** From here on a conversation is cut: the rest is for the answer, and for what the estimate is wrong by. */
  cutAt: 0.8,
  /** What is left out goes down to this: a cut costs what the provider had in its cache, so the next one should be far away. */
  cutTo: 0.4,
  /** Where leaving out results does not get below this, the older part is summarised: or it would be cut again at once. */
  enough: 0.55,
  /** What is kept as it was behind a summary, at most: the newest work, which the next step builds on. */
  kept: 0.2,
  /** The newest results that stay whatever their age: what the model has just asked for. */
  keptResults: 6,
  /** Shorter results, in UTF-16 units, stay: their handle would be as long. */
  leastResult: 600,
  /** Of a call whose result was left out, texts in its arguments are cut to this many UTF-16 units: enough to tell what it was. */
  keptArgument: 200,
  /** One text in all: a message or a result that is longer is cut in its middle. */
  oneText: 0.25,
  /** All that is never summarised, once there was a cut: the person's messages and the repository's rules. Older ones are shortened beyond it. */
  pins: 0.3,
  /** What is left of one that was shortened, in UTF-16 units. */
  shortPin: 400,
} as const;

/** What a summary may take. */
export const SUMMARY = {
  /** UTF-16 units: 3000 tokens, three times what the field's harnesses were seen to need. A longer one is cut. */
  mostChars: 12_000,
  /** The same as a share of the window that it goes into: a small one has less room for it. */
  mostShare: 0.1,
  /** Share of the window of the model that writes it which it is given to read: the rest is for what it writes, and for a wrong estimate. */
  read: 0.6,
  /** Of one result that is summarised, in UTF-16 units, in rounds: the next where the one before is too long for that model. */
  resultChars: [2000, 500, 120],
  /** Milliseconds that writing it may take: the agent waits. */
  timeoutMs: 90_000,
  /** Models that are asked, one after the other, before the relay writes one itself. */
  models: 2,
  /** What the relay's own has of one answer, in UTF-16 units. */
  lineChars: 240,
} as const;

/** The repository's rules for parts of it. */
export const RULES = {
  /** Of one file, in UTF-16 units: more than two pages of rules for a part is a book. */
  oneChars: 8000,
  /** Of all in one conversation. */
  allChars: 32_000,
  /** Files that are known of. */
  files: 500,
} as const;

/** The last message of a request, which says how things stand. */
export const STANDING = {
  /** Facts that are named, newest first: an agent that relies on more of them has to look again anyway. */
  facts: 20,
  /** Of all review threads together, in UTF-16 units. */
  threadsChars: 12_000,
  /** Answers that a lead has left when it is told of them: enough to bring to an end what it is at. */
  fewAnswers: 15,
} as const;
