import type { ModelSettings } from '../agent/model.ts';

/** What an agent does; each is given the models that the settings name for it. `small` writes summaries and the like. */
export type ModelRole = 'lead' | 'explorer' | 'executor' | 'reviewer' | 'small';

/** US dollars for a million tokens. */
export interface Price {
  input: number;
  output: number;
  /** Of tokens that the provider had in its cache; the input's where absent. */
  cachedInput?: number;
}

/** A model that can be called, with what has to be known of it. */
export interface ModelChoice extends ModelSettings {
  /** `provider/model`: how settings, events and the book of spending name it. */
  ref: string;
  /** Tokens that a request and its answer may have together. */
  window: number;
  price: Price | undefined;
  /** What it takes besides text. */
  abilities: { images: boolean; pdf: boolean };
  /** Whether requests carry marks that say what is worth caching. */
  cacheMarkers: boolean;
}

/**
 * The models for a role, the best first; those behind it are for when it is out of service. Read at every call, so that mending the
 * settings mends the turn.
 * @param chosen the task's own choice, which comes first
 * @throws {AppError} `model_not_configured`
 */
export type ChooseModels = (role: ModelRole, chosen: string | undefined) => ModelChoice[];
