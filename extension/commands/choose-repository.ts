import type { App } from '../app.ts';

/** `handoff.chooseRepository`: which of the window's repositories new tasks are about. */
export function chooseRepository(app: App) {
  return async (): Promise<{ root: string }> => {
    const { root } = await app.repositories.choose();
    await app.setup.refresh();
    return { root };
  };
}
