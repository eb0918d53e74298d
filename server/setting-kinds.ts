import * as z from 'zod';

/** Kinds of settings that several parts have. */

/** Without slashes at its end. */
export const HttpUrl = z.url({ protocol: /^https?$/ }).transform((url) => url.replace(/\/+$/, ''));

/** An object in the file is JSON in the environment. */
export function fromJson(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}
