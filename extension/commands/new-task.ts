import type { App } from '../app.ts';

/** `handoff.newTask`: an empty composer. */
export function newTask(app: App) {
  return async (): Promise<void> => {
    app.panel.newTask();
    await app.chat.reveal();
  };
}
