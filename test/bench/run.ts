import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createSampleRepo } from '../fakes/sample.ts';
import type { Bench, Place, Repository } from './bench.ts';
import { type FigureReport, reportOf, tableOf } from './figure.ts';
import { flat } from './flat.ts';
import { log } from './log.ts';
import { parked } from './parked.ts';
import { createRepository } from './repository.ts';
import { review } from './review.ts';
import { sandboxes } from './sandboxes.ts';
import { sessions } from './sessions.ts';
import { start } from './start.ts';
import { steps } from './steps.ts';
import { stop } from './stop.ts';
import { stream } from './stream.ts';
import { takeover } from './takeover.ts';
import { warm } from './warm.ts';

/**
 * `npm run bench [-- names] [--json FILE]`: how fast Handoff is, and how small, on this machine and now. Figures are compared with
 * the same thing without what is measured, in the same run, wherever there is such a thing. Nothing is asserted: the exit code is
 * 1 only where a bench crashed.
 */
const BENCHES: Record<string, Bench> = {
  steps,
  flat,
  parked,
  takeover,
  sessions,
  stream,
  stop,
  start,
  log,
  sandboxes,
  warm,
  review,
};

interface BenchReport {
  name: string;
  about: string;
  seconds: number;
  figures: FigureReport[];
  error?: string;
}

async function main(argv: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: { json: { type: 'string' } },
  });
  const unknown = positionals.filter((name) => !Object.hasOwn(BENCHES, name));
  if (unknown.length > 0) {
    process.stderr.write(
      `there is no bench ${unknown.join(', ')}; there are ${Object.keys(BENCHES).join(', ')}\n`,
    );
    return 2;
  }
  // One that sandboxes' and Postgres's users can pass through.
  const directory = await mkdtemp(join(tmpdir(), 'handoff-bench-'));
  await chmod(directory, 0o711);
  const reports: BenchReport[] = [];
  try {
    const place = createPlace(directory);
    for (const [name, bench] of Object.entries(BENCHES)) {
      if (positionals.length > 0 && !positionals.includes(name)) continue;
      const report = await runOne(name, bench, place);
      reports.push(report);
      process.stdout.write(`\n${bench.about} (${report.seconds.toFixed(0)} s)\n`);
      process.stdout.write(
        report.error === undefined ? tableOf(report.figures) : `CRASHED: ${report.error}\n`,
      );
    }
  } finally {
    // Postgres ends a moment after its relay, and writes until then.
    await rm(directory, { recursive: true, force: true, maxRetries: 20, retryDelay: 250 });
  }
  if (values.json !== undefined) {
    const machine = { cpus: cpus().length, model: cpus()[0]?.model, node: process.version };
    await writeFile(values.json, `${JSON.stringify({ machine, benches: reports }, null, 2)}\n`);
  }
  return reports.some(({ error }) => error !== undefined) ? 1 : 0;
}

async function runOne(name: string, bench: Bench, place: Place): Promise<BenchReport> {
  const startedAt = performance.now();
  const about = `${name}: ${bench.about}`;
  const seconds = (): number => (performance.now() - startedAt) / 1000;
  try {
    const figures = await bench.run({ ...place, say: (text) => place.say(`${name}: ${text}`) });
    return { name, about, seconds: seconds(), figures: figures.map(reportOf) };
  } catch (error) {
    const words = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { name, about, seconds: seconds(), figures: [], error: words };
  }
}

function createPlace(directory: string): Place {
  const once = (make: () => Promise<Repository>): (() => Promise<Repository>) => {
    let made: Promise<Repository> | undefined;
    return () => (made ??= make());
  };
  return {
    directory,
    large: once(() => createRepository(join(directory, 'large'), 5000)),
    medium: once(() => createRepository(join(directory, 'medium'), 500)),
    small: once(async () => {
      const repository = join(directory, 'small');
      return { directory: repository, commit: await createSampleRepo(repository) };
    }),
    say: (text) => void process.stderr.write(`bench: ${text}\n`),
  };
}

process.exitCode = await main(process.argv.slice(2));
