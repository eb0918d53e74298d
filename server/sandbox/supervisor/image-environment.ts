/** What images and engines set for a process of their own, not for the commands of a task. */
const NOT_HANDED_ON = /^(PATH|HOME|HOSTNAME|PWD|OLDPWD|SHLVL|_|container|(HANDOFF|DAYTONA)_.*|.*_proxy)$/i;

/** An image's own settings for its toolchains, such as `JAVA_HOME`, out of the environment that its first process was given. */
export function imageEnvironment(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) =>
      value === undefined || NOT_HANDED_ON.test(name) ? [] : [[name, value]],
    ),
  );
}
