/** File contents by oid, fetched once. The ones used longest ago go when there is more than `maxBytes` of them. */
export function createBlobCache(maxBytes: number) {
  const contents = new Map<string, Promise<Uint8Array>>();
  const sizes = new Map<string, number>();
  let total = 0;

  function drop(oid: string): void {
    total -= sizes.get(oid) ?? 0;
    sizes.delete(oid);
    contents.delete(oid);
  }

  function keep(oid: string, size: number): void {
    sizes.set(oid, size);
    total += size;
    for (const oldest of contents.keys()) {
      if (total <= maxBytes || oldest === oid) break;
      drop(oldest);
    }
  }

  /** A failed fetch is forgotten, so that the next reader tries again. */
  function read(oid: string, fetch: () => Promise<Uint8Array>): Promise<Uint8Array> {
    const known = contents.get(oid);
    if (known) {
      contents.delete(oid);
      contents.set(oid, known);
      return known;
    }
    const content = fetch();
    contents.set(oid, content);
    content.then(
      ({ length }) => keep(oid, length),
      () => drop(oid),
    );
    return content;
  }
  return Object.assign(read, { has: (oid: string) => contents.has(oid) });
}
