import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { SandboxError } from '../sandbox.ts';

/**
 * The vendor's SDK, which takes 200 ms and 90 MB to load and so is loaded when it is first needed. Its bundle lies beside the relay's;
 * when the relay runs from its sources, it is the package. Only the SDK is apart: what fails with a `SandboxError` is in the relay.
 */
export async function loadDaytona(): Promise<typeof import('./vendor.ts')> {
  const here = dirname(fileURLToPath(import.meta.url));
  const beside = join(here, 'daytona.mjs');
  const source = join(here, 'vendor.ts');
  const path = [beside, source].find((candidate) => existsSync(candidate));
  if (path === undefined) {
    throw new SandboxError('unavailable', 'This relay was built without what speaks to Daytona.', {
      nextAction: 'Build it (npm run build), or install Handoff again.',
    });
  }
  return import(pathToFileURL(path).href);
}
