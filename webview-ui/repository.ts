/** `owner/name` of a repository's address, or what was given. */
export function shortRepository(repository: string): string {
  const path = repository.replace(/^[a-z+]+:\/\/[^/]+\//i, '').replace(/^[^@/]+@[^:/]+:/, '');
  return path.replace(/\/+$/, '').replace(/\.git$/, '') || repository;
}
