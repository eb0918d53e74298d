import type { Usage } from '../protocol/agent-events.ts';
import type { Price } from './choice.ts';
import { IMAGE_TOKENS, LEAST_BYTES_PER_TOKEN } from './limits.ts';

/**
 * What a call cost, in millionths of a US dollar, rounded up: a price for a million tokens is as many millionths for one.
 * @param otherwise tokens to count where the provider told none
 */
export function costMicros(price: Price, usage: Usage, otherwise: { input: number; output: number }): number {
  const { inputTokens = otherwise.input, outputTokens = otherwise.output, cachedInputTokens = 0 } = usage;
  const cached = Math.min(cachedInputTokens, inputTokens);
  const { input, output, cachedInput = input } = price;
  return up((inputTokens - cached) * input + cached * cachedInput + outputTokens * output);
}

/** The most that a call can cost: all of it anew, and as long an answer as it may give. */
export const mostMicros = (price: Price, inputTokens: number, maxOutput: number): number =>
  up(inputTokens * Math.max(price.input, price.cachedInput ?? 0) + maxOutput * price.output);

/** Up to a whole one; what only the representation of numbers adds is not rounded up. */
const up = (micros: number): number => Math.ceil(micros - 1e-6);

/** At least as many tokens as a provider would count, of what is sent as JSON. */
export function tokensAtMost(request: unknown, window: number): number {
  let images = 0;
  const text = JSON.stringify(request, (_key, value: unknown) => {
    if (!isImage(value)) return value;
    images += 1;
    return IMAGE;
  });
  return Math.min(window, Math.ceil(Buffer.byteLength(text) / LEAST_BYTES_PER_TOKEN) + images * IMAGE_TOKENS);
}

const IMAGE = { type: 'file' };

/** An image as it is sent, whose base64 is no text. A PDF counts by its bytes: of what it costs, only its pages would tell. */
const isImage = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  Reflect.get(value, 'type') === 'file' &&
  'data' in value &&
  String(Reflect.get(value, 'mediaType')).startsWith('image/');
