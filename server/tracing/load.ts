import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** OpenTelemetry's exporter, loaded when there is first something to tell a collector. Its bundle lies beside the relay's. */
export async function loadExporter(): Promise<typeof import('./exporter.ts')> {
  const here = dirname(fileURLToPath(import.meta.url));
  const path = [join(here, 'tracing.mjs'), join(here, 'exporter.ts')].find((candidate) =>
    existsSync(candidate),
  );
  if (path === undefined) throw new TypeError('this relay was built without what speaks to collectors');
  return import(pathToFileURL(path).href);
}
