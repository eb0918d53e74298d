import assert from 'node:assert/strict';
import * as z from 'zod';
import { AppError } from '../../../server/errors.ts';
import { chooseModels } from '../../../server/models/choose.ts';
import { capsOf, modelSettings } from '../../../server/models/settings.ts';

const Shape = z.object(modelSettings);

const SIMPLE = {
  HANDOFF_MODEL_BASE_URL: 'https://one.example/v1/',
  HANDOFF_MODEL_API_KEY: 'sk-one',
  HANDOFF_MODEL: 'plain',
};
const PROVIDERS = {
  providers: [
    {
      name: 'acme',
      baseUrl: 'https://acme.example/v1',
      apiKeyEnv: 'ACME_KEY',
      models: [
        {
          id: 'big',
          window: 200_000,
          maxOutput: 16_000,
          price: { input: 3, output: 15, cachedInput: 0.3 },
          images: true,
          cacheMarkers: true,
        },
        { id: 'vendor/small' },
      ],
    },
    {
      name: 'local',
      baseUrl: 'http://127.0.0.1:1/v1',
      models: [{ id: 'qwen', price: { input: 0, output: 0 } }],
    },
  ],
  roles: { lead: ['acme/big', 'local/qwen'], small: 'acme/vendor/small' },
};

const choose = (settings: object, role: Parameters<typeof chooseModels>[2] = 'lead', chosen?: string) =>
  chooseModels(Shape.parse(settings), { ACME_KEY: 'sk-acme' }, role, chosen);
const refs = (...args: Parameters<typeof choose>) => choose(...args).map(({ ref }) => ref);
const codeOf = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (error) {
    return error instanceof AppError ? `${error.code}: ${error.message}` : error;
  }
};

describe('the models of a role', () => {
  it('are the one of the simple settings where there are no others', () => {
    assert.deepEqual(choose({ ...SIMPLE, HANDOFF_MODEL_PRICE: '{"input": 1, "output": "2"}' }, 'explorer'), [
      {
        ref: 'plain',
        baseUrl: 'https://one.example/v1',
        model: 'plain',
        apiKey: 'sk-one',
        window: 128_000,
        price: { input: 1, output: 2 },
        abilities: { images: false, pdf: false },
        cacheMarkers: false,
      },
    ]);
  });

  it('are what the settings list for it, with all that they say of each', () => {
    assert.deepEqual(
      choose({ HANDOFF_MODELS: JSON.stringify(PROVIDERS), HANDOFF_MODEL_STALL_SECONDS: '9' }),
      [
        {
          ref: 'acme/big',
          baseUrl: 'https://acme.example/v1',
          model: 'big',
          apiKey: 'sk-acme',
          stallMs: 9000,
          window: 200_000,
          maxOutput: 16_000,
          price: { input: 3, output: 15, cachedInput: 0.3 },
          abilities: { images: true, pdf: false },
          cacheMarkers: true,
        },
        {
          ref: 'local/qwen',
          baseUrl: 'http://127.0.0.1:1/v1',
          model: 'qwen',
          stallMs: 9000,
          window: 128_000,
          price: { input: 0, output: 0 },
          abilities: { images: false, pdf: false },
          cacheMarkers: false,
        },
      ],
    );
  });

  it('are the lead’s for a role that is not listed, and a list of one for one that stands alone', () => {
    const settings = { HANDOFF_MODELS: PROVIDERS };
    assert.deepEqual(refs(settings, 'executor'), ['acme/big', 'local/qwen']);
    assert.deepEqual(refs(settings, 'small'), ['acme/vendor/small']);
  });

  it('begin with the task’s own choice, once', () => {
    const settings = { ...SIMPLE, HANDOFF_MODELS: PROVIDERS };
    assert.deepEqual(refs(settings, 'lead', 'local/qwen'), ['local/qwen', 'acme/big']);
    assert.deepEqual(refs(settings, 'lead', 'other'), ['other', 'acme/big', 'local/qwen']);
  });

  it('are the first of the first provider where no role says anything', () => {
    assert.deepEqual(refs({ HANDOFF_MODELS: { providers: PROVIDERS.providers } }), ['acme/big']);
    assert.deepEqual(refs({ ...SIMPLE, HANDOFF_MODELS: { providers: PROVIDERS.providers } }), ['plain']);
  });

  it('are none that nobody configured', () => {
    assert.equal(
      codeOf(() => choose({})),
      'model_not_configured: No model is configured.',
    );
    assert.equal(
      codeOf(() => choose({ HANDOFF_MODELS: PROVIDERS }, 'lead', 'plain')),
      'model_not_configured: The settings name no model "plain".',
    );
  });
});

describe('the settings of models', () => {
  const problems = (value: unknown) =>
    Shape.safeParse({ HANDOFF_MODELS: value }).error?.issues.map(
      ({ path, message }) => `${path.join('.')}: ${message}`,
    );
  const [acme] = PROVIDERS.providers;

  it('say where they are wrong, and repeat no key', () => {
    assert.deepEqual(problems('{"providers": '), [
      'HANDOFF_MODELS: Invalid input: expected object, received string',
    ]);
    assert.deepEqual(problems({ providers: [{ ...acme, name: 'a/b', apiKey: '' }] }), [
      'HANDOFF_MODELS.providers.0.name: must be 1 to 64 letters, digits, or . _ -',
      'HANDOFF_MODELS.providers.0.apiKey: Too small: expected string to have >=1 characters',
    ]);
    assert.deepEqual(problems({ ...PROVIDERS, providers: [acme, acme] }), [
      'HANDOFF_MODELS.providers.1.name: there are two providers acme',
    ]);
    assert.deepEqual(problems({ ...PROVIDERS, roles: { lead: ['acme/none'] } }), [
      'HANDOFF_MODELS.roles.lead.0: the provider acme has no such model',
    ]);
    assert.deepEqual(problems({ ...PROVIDERS, roles: { boss: ['acme/big'] } }), [
      'HANDOFF_MODELS.roles: Unrecognized key: "boss"',
    ]);
    assert.deepEqual(problems({ providers: [{ ...acme, models: [{ id: 'x', pricee: {} }] }] }), [
      'HANDOFF_MODELS.providers.0.models.0: Unrecognized key: "pricee"',
    ]);
  });

  it('have caps in US dollars', () => {
    assert.deepEqual(capsOf(Shape.parse({ HANDOFF_CAP_TURN: '0.5', HANDOFF_CAP_DAY: 20 })), {
      turn: 500_000,
      day: 20_000_000,
    });
    assert.deepEqual(capsOf(Shape.parse({})), {});
    assert.equal(Shape.safeParse({ HANDOFF_CAP_TASK: '0' }).success, false);
  });
});
