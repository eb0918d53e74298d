/** Whether Git takes `refs/heads/<name>` (the rules of git-check-ref-format), and no command takes it for an option. */
export function isBranchName(name: string): boolean {
  return (
    name.length > 0 &&
    Buffer.byteLength(name) <= 240 &&
    name !== '@' &&
    name !== 'HEAD' &&
    !/[\0-\x20\x7f~^:?*[\\]|\.\.|@\{/.test(name) &&
    name.split('/').every((part) => part !== '' && !/^[-.]|\.$|\.lock$/.test(part))
  );
}
