import { randomInt } from 'node:crypto';
import type fc from 'fast-check';

/** Repeats a run: the seed that is in the name of every test of properties. */
const SEED = Number(process.env['PROPERTY_SEED'] ?? randomInt(2 ** 31));

/** How many cases, and from which seed on, as fast-check takes it. */
export const cases = (numRuns: number): fc.Parameters<unknown> => ({ numRuns, seed: SEED });

/** A test's name, with what repeats it. */
export const seeded = (name: string, numRuns: number): string =>
  `${name} (${numRuns.toLocaleString('en')} cases, PROPERTY_SEED=${SEED})`;
