/** When an agent is taken for stuck, in one place, each figure with its reason. */
export const WATCH = {
  /** The same calls with the same results, so many times in a row: twice is a retry, three times is a habit. */
  repeats: 3,
  /** Answers that one round of a repetition may have: looking here, looking there, and here again is the same habit. */
  longestRound: 3,
  /** How often a file may come back to a content that it had: once is a mistake undone. */
  returns: 2,
  /** Answers within which that counts: what is tried and undone over a whole turn is work. */
  returnsWithin: 12,
  /** Answers in a turn that may be cut off at the model's limit: a long report comes in a few pieces, more than these in no end. */
  cuts: 3,
  /** How often an agent is told in a turn that Git refuses what it wrote, before it cannot be done: once as it goes on, once at its end. */
  refused: 2,
  /** Calls that are named to the agent. */
  named: 3,
} as const;

/** How a result ends that tells of a command in the background. Who looks again waits, and does not go round in circles. */
export const STILL_RUNS =
  '[the command still runs; to wait for it, run a command that does, such as sleep 30]';
