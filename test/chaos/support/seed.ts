/** What a long run's chances are made of: CHAOS_SEED, to have one again, else a new one. It is printed. */
export function newSeed(title: string): number {
  const chosen = Number(process.env['CHAOS_SEED']);
  const seed = Number.isSafeInteger(chosen) && chosen > 0 ? chosen : Date.now() % 0x7fff_ffff;
  console.log(`${title}: CHAOS_SEED=${seed}`);
  return seed;
}
