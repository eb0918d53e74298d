// The entry of `dist/daytona.mjs`: the vendor's SDK, and nothing of ours that the relay has, too.
import { Daytona, type DaytonaConfig } from '@daytonaio/sdk';

/** Opens nothing yet: without its stream of events the SDK asks for states when somebody waits for one. */
export function openDaytona(config: DaytonaConfig): Daytona {
  return new Daytona({ ...config, useDeprecatedPolling: true });
}
