/** Where a relay on this machine keeps its things, so that the editor and the terminal find the one that is running. */

/** Facts of the process, passed in so that this stays pure. */
export interface Machine {
  env: Record<string, string | undefined>;
  platform: string;
  homedir: string;
}

/** The relay's data folder: `HANDOFF_DATA`, else the platform's place for application data. */
export function dataDir({ env, platform, homedir }: Machine): string {
  if (env.HANDOFF_DATA) return env.HANDOFF_DATA;
  if (platform === 'darwin') return `${homedir}/Library/Application Support/handoff`;
  if (platform === 'win32') return `${env.LOCALAPPDATA ?? `${homedir}\\AppData\\Local`}\\handoff`;
  return `${env.XDG_DATA_HOME ?? `${homedir}/.local/share`}/handoff`;
}

/** Names inside the data folder. All of it is readable by its owner only. */
export const DATA_FILES = {
  /** The bearer token, one line. */
  token: 'token',
  /** `RelayFile` as JSON, there while a relay runs. */
  relay: 'relay.json',
  /** Settings: the keys are the names of the environment variables, which win over it. */
  config: 'config.json',
  log: 'relay.log',
} as const;

/** What `relay.json` says of the relay that runs on this data folder. */
export interface RelayFile {
  url: string;
  pid: number;
  version: string;
  protocol: number;
}
