import { AppError } from '../errors.ts';
import type { ModelChoice, ModelRole } from './choice.ts';
import { DEFAULT_WINDOW } from './limits.ts';
import type { ModelSettingsOfRelay } from './settings.ts';

type Env = Record<string, string | undefined>;

/**
 * The models for a role, the best first: the task's own choice, then what the settings list for the role; a role that they do not list
 * has the lead's. A repository has no say in it.
 * @param chosen `provider/model`, or a model of the provider that `HANDOFF_MODEL_BASE_URL` names
 * @throws {AppError} `model_not_configured`
 */
export function chooseModels(
  settings: ModelSettingsOfRelay,
  env: Env,
  role: ModelRole,
  chosen: string | undefined,
): ModelChoice[] {
  const roles = settings.HANDOFF_MODELS?.roles ?? {};
  const refs = [...(chosen === undefined ? [] : [chosen]), ...(roles[role] ?? roles.lead ?? usual(settings))];
  if (refs.length === 0) throw notConfigured();
  return [...new Set(refs)].map((ref) => resolve(settings, env, ref));
}

/** Where no role says anything: the one model of the simple settings, or the first of the first provider. */
function usual({ HANDOFF_MODEL_BASE_URL, HANDOFF_MODEL, HANDOFF_MODELS }: ModelSettingsOfRelay): string[] {
  if (HANDOFF_MODEL_BASE_URL !== undefined && HANDOFF_MODEL !== undefined) return [HANDOFF_MODEL];
  const [provider] = HANDOFF_MODELS?.providers ?? [];
  const [model] = provider?.models ?? [];
  return provider && model ? [`${provider.name}/${model.id}`] : [];
}

function resolve(settings: ModelSettingsOfRelay, env: Env, ref: string): ModelChoice {
  const { HANDOFF_MODEL_STALL_SECONDS: stall } = settings;
  const patience = stall === undefined ? {} : { stallMs: stall * 1000 };
  for (const { name, baseUrl, apiKey, apiKeyEnv, models } of settings.HANDOFF_MODELS?.providers ?? []) {
    const known = models.find(({ id }) => ref === `${name}/${id}`);
    if (known === undefined) continue;
    const key = apiKey ?? (apiKeyEnv === undefined ? undefined : env[apiKeyEnv]);
    const { id, window = DEFAULT_WINDOW, maxOutput, price, images, pdf, cacheMarkers } = known;
    return {
      ref,
      baseUrl,
      model: id,
      ...(key ? { apiKey: key } : {}),
      ...patience,
      window,
      ...(maxOutput === undefined ? {} : { maxOutput }),
      price: priceOf(price),
      abilities: { images, pdf },
      cacheMarkers,
    };
  }
  const { HANDOFF_MODEL_BASE_URL: baseUrl, HANDOFF_MODEL_API_KEY: apiKey } = settings;
  if (baseUrl === undefined) throw settings.HANDOFF_MODELS ? unknown(ref) : notConfigured();
  const { HANDOFF_MODEL_MAX_OUTPUT: maxOutput, HANDOFF_MODEL_WINDOW: window = DEFAULT_WINDOW } = settings;
  return {
    ref,
    baseUrl,
    model: ref,
    ...(apiKey ? { apiKey } : {}),
    ...patience,
    window,
    ...(maxOutput === undefined ? {} : { maxOutput }),
    price: priceOf(settings.HANDOFF_MODEL_PRICE),
    abilities: { images: false, pdf: false },
    cacheMarkers: false,
  };
}

function priceOf(price: ModelSettingsOfRelay['HANDOFF_MODEL_PRICE']): ModelChoice['price'] {
  if (price === undefined) return undefined;
  const { input, output, cachedInput } = price;
  return { input, output, ...(cachedInput === undefined ? {} : { cachedInput }) };
}

const notConfigured = (): AppError =>
  new AppError('model_not_configured', 'No model is configured.', {
    nextAction:
      'Set HANDOFF_MODEL_BASE_URL, HANDOFF_MODEL and HANDOFF_MODEL_API_KEY, or run “Handoff: Set Up Model” in VS Code; then send a message to go on.',
  });

const unknown = (ref: string): AppError =>
  new AppError('model_not_configured', `The settings name no model ${JSON.stringify(ref)}.`, {
    nextAction:
      'Add it to a provider in HANDOFF_MODELS, or choose one that is there, as provider/model; then send a message to go on.',
  });
