/** Figures that bound what models are waited for, tried and reserved, each with its reason. */

/**
 * How long (ms) nothing may come from a provider, from its asking on and between two pieces. Models that think without a word have been
 * seen to take a minute and a half; a connection that broke unnoticed never says anything.
 */
export const STALL_MS = 180_000;
/** Bytes that are read of what a provider says of a failure: its words for it are a few hundred, and a proxy's page need not be read. */
export const MOST_ERROR_BYTES = 65_536;

/** Rounds through the models of a role for one answer; what is still down after about half a minute is tried in longer pauses. */
export const MAX_ROUNDS = 6;
/** How long (ms) waiting between rounds may take in all: a provider's bad quarter of an hour is the person's to know of. */
export const RETRY_DEADLINE_MS = 10 * 60_000;
export const FIRST_DELAY_MS = 1000;
export const LONGEST_DELAY_MS = 60_000;

/** How long (ms) a model that failed is asked last: as long as a provider's rate limits usually count. */
export const REST_MS = 60_000;
/** A provider that asks for more than this (ms) is asked again all the same: it may be well before. */
export const LONGEST_REST_MS = 10 * 60_000;

/** Tokens that a request and its answer may have together where nothing was said: what the smaller ones of today's models take. */
export const DEFAULT_WINDOW = 128_000;

/** Tokens of an answer, at most, where a cap has to hold and nothing was said of the model: what nearly all of them can do. */
export const DEFAULT_MAX_OUTPUT = 8192;

/** Bytes of a request that are at least one token: English and code have 3.3 to 4.2, other scripts about 3 a character. */
export const LEAST_BYTES_PER_TOKEN = 3;
/** Tokens that providers count for an image, at most. */
export const IMAGE_TOKENS = 2000;

/** Clients of models that are kept: one for each endpoint, key and model that is in use. */
export const MOST_CLIENTS = 64;

/** How long (ms) a call waits for those of other agents that have reserved what it needs: most answers have come by then. */
export const OTHERS_PATIENCE_MS = 60_000;
/** How often (ms) it looks: seldom enough to cost nothing, and soon beside a model call. */
export const OTHERS_LOOK_MS = 250;
