/** Bounds that say no more than "a whole number that a computer holds" and "a text that is there": who breaks one is told. */
const NO_BOUND: Record<string, number> = {
  maximum: Number.MAX_SAFE_INTEGER,
  minimum: Number.MIN_SAFE_INTEGER,
  minLength: 1,
};

/**
 * A JSON Schema without what tells a model nothing: which dialect it is, that nothing else may be given (what is, is passed over), and bounds
 * that nobody set. It is a part of every request, and a fifth of it was this.
 */
export function leanSchema<Schema>(schema: Schema): Schema {
  if (Array.isArray(schema)) return schema.map(leanSchema) as Schema;
  if (typeof schema !== 'object' || schema === null) return schema;
  const kept = Object.entries(schema).filter(
    ([key, value]) =>
      key !== '$schema' && !(key === 'additionalProperties' && value === false) && NO_BOUND[key] !== value,
  );
  return Object.fromEntries(kept.map(([key, value]) => [key, leanSchema(value)])) as Schema;
}
