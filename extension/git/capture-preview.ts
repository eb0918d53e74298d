import * as vscode from 'vscode';
import { type CapturePreview, capturePreview } from '../../server/protocol/capture.ts';
import { pickUncommitted } from '../ui/pick-uncommitted.ts';
import {
  captureChoice,
  isTicked,
  mustAsk,
  type PreviewMode,
  summaryOf,
  type Ticks,
  type WorkSummary,
  withTicked,
} from './capture-choice.ts';
import type { Repository } from './repositories.ts';
import { captureDeps } from './run-git.ts';

const SETTING = 'previewUncommitted';
const REMEMBERED = 'handoff.uncommitted';

export type Uncommitted = ReturnType<typeof createUncommitted>;

/** What of the person's uncommitted work travels with a task: looked at, asked, and remembered for this workspace. */
export function createUncommitted(memento: vscode.Memento) {
  const remembered = () => memento.get<Record<string, Ticks>>(REMEMBERED, {});
  const ticksOf = ({ root }: Repository): Ticks => remembered()[root] ?? {};
  const look = ({ gitPath, root }: Repository): Promise<CapturePreview> =>
    capturePreview(captureDeps(gitPath), root);

  /** Throws `Cancelled` where the person turns away. */
  async function ask(repository: Repository, preview: CapturePreview): Promise<Ticks> {
    const before = ticksOf(repository);
    const ticked = await pickUncommitted({
      name: repository.name,
      preview,
      isTicked: (file) => isTicked(file, before),
      mode: previewMode(),
      onMode: setPreviewMode,
    });
    const ticks = withTicked(before, preview.files, ticked);
    await memento.update(REMEMBERED, { ...remembered(), [repository.root]: ticks });
    return ticks;
  }

  return {
    /** For the composer. */
    async summary(repository: Repository): Promise<WorkSummary> {
      return summaryOf((await look(repository)).files, ticksOf(repository));
    },

    /** What a new task takes along; asks where the setting, or a file that looks like a secret, wants it. */
    async choose(repository: Repository) {
      const preview = await look(repository);
      const ticks = ticksOf(repository);
      const asks = mustAsk(previewMode(), preview.files, ticks);
      return captureChoice(preview.files, asks ? await ask(repository, preview) : ticks);
    },

    /** Asks now, whatever the setting says, for the tasks to come. */
    async review(repository: Repository): Promise<WorkSummary> {
      const preview = await look(repository);
      return summaryOf(preview.files, await ask(repository, preview));
    },
  };
}

function previewMode(): PreviewMode {
  const mode = vscode.workspace.getConfiguration('handoff').get<string>(SETTING);
  return mode === 'always' || mode === 'never' ? mode : 'secrets';
}

async function setPreviewMode(mode: PreviewMode): Promise<void> {
  await vscode.workspace.getConfiguration('handoff').update(SETTING, mode, vscode.ConfigurationTarget.Global);
}
