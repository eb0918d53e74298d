/** Every figure that bounds what an MCP server may take of a turn, in one place, each with its reason. */
export const LIMITS = {
  /** Milliseconds to start, shake hands and list tools: an interpreter that starts cold on a busy machine needs ten. */
  connectMs: 30_000,
  /** Pages of a list of tools: the library's own bound is four times that, and each may take all of the patience. */
  listPages: 16,
  /** Milliseconds without a result or word of progress; as `bash` has it. */
  callMs: 120_000,
  /** Milliseconds of one call in all, however much progress is told; as `bash` has it at most. */
  callMostMs: 1_800_000,
  /** Milliseconds that a server in the sandbox lives at most, longer than any turn that somebody waits for. */
  lifeMs: 24 * 3_600_000,
  /** Milliseconds that a server in the sandbox has to end by itself once its input has ended. */
  goodbyeMs: 2_000,
  /** Tools of one server, and of all: providers take 128 in all, and each costs in every call. */
  tools: 64,
  toolsTogether: 100,
  /** UTF-16 units of a description: servers write whole manuals, and they are sent with every call. */
  description: 2_000,
  /** UTF-16 units of an input schema as JSON, for the same reason. */
  schema: 20_000,
  /** UTF-16 units of a tool's name: longer ones are no names, and are sent with every call. The protocol's own advice. */
  name: 128,
  /** Of what a person is told of one server's tools, sentences. */
  problems: 10,
  /** Images of a result that a model is shown; together they have no more bytes than one may. */
  images: 8,
  /** UTF-16 units of a result, half from its beginning and half from its end; as `bash` has it. */
  result: 30_000,
  /** UTF-16 units of a result that are kept for `read`: more than anybody pages through. */
  kept: 1_000_000,
  /** Bytes of one message of a server: a result is cut afterwards, and is held in memory until then. */
  message: 10_000_000,
  /** UTF-16 units of what a server says of its failure. */
  complaint: 2_000,
  /** UTF-16 units of a stranger's word within a line of ours. */
  inLine: 300,
} as const;
