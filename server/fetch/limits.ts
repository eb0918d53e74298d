/** Every figure that bounds what is fetched from the net, in one place, each with its reason. */
export const FETCH = {
  /** Milliseconds for a page, its redirects included: what takes longer is not worth an agent's waiting. */
  patience: 30_000,
  /** Redirects that are followed: more go round in circles. */
  redirects: 5,
  /** Bytes of a body that are read, unpacked: what is longer is no page. */
  bytes: 5_000_000,
  /** UTF-16 units of HTML that are made Markdown: a long book; it takes a tenth of a second, in which this process does nothing else. */
  html: 2_000_000,
  /** Lists inside one another that are shown as such: deeper ones would be white space for the most part. */
  listDepth: 8,
  /** UTF-16 units of what a server says about its refusal. */
  refusal: 1000,
} as const;
