/** Of `LogOutputChannel`, what is used; so that code which logs needs no editor to be tested. */
export interface Log {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  error(error: string | Error): void;
}
