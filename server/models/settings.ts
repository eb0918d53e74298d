import * as z from 'zod';
import { fromJson, HttpUrl } from '../setting-kinds.ts';
import type { ModelRole } from './choice.ts';
import type { Caps } from './spend.ts';

const Dollars = z.coerce.number().min(0).max(1_000_000);

/** US dollars for a million tokens. */
export const PriceSetting = z.strictObject({
  input: Dollars,
  output: Dollars,
  cachedInput: Dollars.optional(),
});

const Tokens = z.coerce.number().int().min(1).max(100_000_000);

const ModelSetting = z.strictObject({
  /** As the provider calls it. */
  id: z.string().min(1).max(200),
  /** Tokens that a request and its answer may have together. */
  window: Tokens.optional(),
  /** Tokens of an answer, at most: sent with every request where it is set. */
  maxOutput: Tokens.optional(),
  price: PriceSetting.optional(),
  images: z.boolean().default(false),
  pdf: z.boolean().default(false),
  cacheMarkers: z.boolean().default(false),
});

const ProviderSetting = z.strictObject({
  /** Without a slash, which ends it where a model is named. */
  name: z.string().regex(/^[\w.-]{1,64}$/, 'must be 1 to 64 letters, digits, or . _ -'),
  baseUrl: HttpUrl,
  apiKey: z.string().min(1).optional(),
  /** The variable of the relay's environment that has the key. */
  apiKeyEnv: z
    .string()
    .regex(/^[A-Za-z_]\w*$/, 'must be the name of a variable')
    .optional(),
  models: z.array(ModelSetting).min(1),
});

const ROLES = ['lead', 'explorer', 'executor', 'reviewer', 'small'] as const satisfies ModelRole[];

/** The best first; one alone may stand without a list. */
const Refs = z.preprocess(
  (value) => (typeof value === 'string' ? [value] : value),
  z.array(z.string().min(1)).min(1),
);

const Models = z
  .strictObject({
    providers: z.array(ProviderSetting).min(1),
    roles: z.partialRecord(z.enum(ROLES), Refs).default({}),
  })
  .superRefine(({ providers, roles }, context) => {
    const complain = (path: (string | number)[], message: string): void =>
      context.addIssue({ code: 'custom', path, message });
    const names = providers.map(({ name }) => name);
    for (const [at, { name, models }] of providers.entries()) {
      if (names.indexOf(name) < at) complain(['providers', at, 'name'], `there are two providers ${name}`);
      const ids = models.map(({ id }) => id);
      const twice = ids.findIndex((id, place) => ids.indexOf(id) < place);
      if (twice !== -1) complain(['providers', at, 'models', twice, 'id'], 'is there twice');
    }
    for (const role of ROLES) {
      for (const [at, ref] of (roles[role] ?? []).entries()) {
        const provider = providers.find(({ name }) => ref.startsWith(`${name}/`));
        if (provider && !provider.models.some(({ id }) => ref === `${provider.name}/${id}`))
          complain(['roles', role, at], `the provider ${provider.name} has no such model`);
      }
    }
  });

/** US dollars, above 0. */
const Cap = z.coerce.number().positive().max(1_000_000).optional();

/** Of models: where they are, what they can do and cost, and how much may be spent. */
export const modelSettings = {
  HANDOFF_MODEL_BASE_URL: HttpUrl.optional(),
  HANDOFF_MODEL_API_KEY: z.string().optional(),
  HANDOFF_MODEL: z.string().min(1).optional(),
  HANDOFF_MODEL_WINDOW: Tokens.optional(),
  HANDOFF_MODEL_MAX_OUTPUT: Tokens.optional(),
  /** `{"input": 3, "output": 15, "cachedInput": 0.3}`, in US dollars for a million tokens. */
  HANDOFF_MODEL_PRICE: z.preprocess(fromJson, PriceSetting).optional(),
  /** Several providers, and which of their models do what. Besides the one that the settings above name. */
  HANDOFF_MODELS: z.preprocess(fromJson, Models).optional(),
  /** How long nothing may come from a model's provider. */
  HANDOFF_MODEL_STALL_SECONDS: z.coerce.number().min(0.1).max(3600).optional(),
  HANDOFF_CAP_TURN: Cap,
  HANDOFF_CAP_TASK: Cap,
  HANDOFF_CAP_USER_DAY: Cap,
  HANDOFF_CAP_DAY: Cap,
};

const Shape = z.object(modelSettings);
export type ModelSettingsOfRelay = z.output<typeof Shape>;

/** What may be spent, in millionths of a US dollar. */
export function capsOf(settings: Partial<ModelSettingsOfRelay>): Caps {
  const { HANDOFF_CAP_TURN: turn, HANDOFF_CAP_TASK: task } = settings;
  const { HANDOFF_CAP_USER_DAY: user, HANDOFF_CAP_DAY: day } = settings;
  const micros = (dollars: number): number => Math.round(dollars * 1_000_000);
  return {
    ...(turn === undefined ? {} : { turn: micros(turn) }),
    ...(task === undefined ? {} : { task: micros(task) }),
    ...(user === undefined ? {} : { user: micros(user) }),
    ...(day === undefined ? {} : { day: micros(day) }),
  };
}
