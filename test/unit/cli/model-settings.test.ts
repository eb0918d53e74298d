import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { checkBaseUrl, configFile, saveModelSettings } from '../../../server/cli/model-settings.ts';

const settings = {
  HANDOFF_MODEL_BASE_URL: 'https://api.example.test/v1',
  HANDOFF_MODEL: 'large',
  HANDOFF_MODEL_API_KEY: 'sk-1',
};

describe('model settings', () => {
  let env: { HANDOFF_DATA: string };
  beforeEach(() => {
    env = { HANDOFF_DATA: path.join(mkdtempSync(path.join(tmpdir(), 'handoff-settings-')), 'data') };
  });
  afterEach(() => rmSync(path.dirname(env.HANDOFF_DATA), { recursive: true, force: true }));

  it('are kept where only their owner can read them', () => {
    saveModelSettings(env, settings);
    const file = configFile(env);
    assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), settings);
    assert.deepEqual(
      [file, path.dirname(file)].map((name) => statSync(name).mode & 0o777),
      [0o600, 0o700],
    );
  });

  it('leave other settings as they are, and close a file that was open to others', () => {
    saveModelSettings(env, settings);
    writeFileSync(configFile(env), '{ "HANDOFF_PORT": 7500, "HANDOFF_MODEL": "old" }', { mode: 0o644 });
    saveModelSettings(env, settings);
    assert.deepEqual(JSON.parse(readFileSync(configFile(env), 'utf8')), { HANDOFF_PORT: 7500, ...settings });
    assert.equal(statSync(configFile(env)).mode & 0o777, 0o600);
  });

  it('never overwrite a file that they cannot read', () => {
    saveModelSettings(env, settings);
    writeFileSync(configFile(env), '{ broken');
    assert.throws(() => saveModelSettings(env, settings), /is not a JSON object/);
    assert.equal(readFileSync(configFile(env), 'utf8'), '{ broken');
  });

  it('take only an address of http or https, without a password in it', () => {
    assert.equal(checkBaseUrl('http://127.0.0.1:8080/v1'), 'http://127.0.0.1:8080/v1');
    for (const text of ['api.example.test', 'ftp://example.test', 'https://a:b@example.test'])
      assert.throws(() => checkBaseUrl(text), /is not an http\(s\) address/);
  });
});
