import * as z from 'zod';
import { defineTool, ToolProblem } from './tool.ts';

export const skill = defineTool({
  name: 'skill',
  description:
    'Reads a skill of the repository: instructions for one kind of work, and the files that belong to it. Read it before you do such work.',
  input: z.object({ name: z.string().trim().min(1).max(100) }),
  writes: false,
  async run({ name }, { skills }) {
    const found = skills.find((known) => known.name === name);
    if (!found) {
      const names = skills.map((known) => known.name).join(', ');
      throw new ToolProblem(
        skills.length === 0
          ? `There is no skill ${name}: this repository has none.`
          : `There is no skill ${name}. The skills are: ${names}.`,
      );
    }
    const { folder, files, body } = found;
    const beside =
      files.length === 0
        ? ''
        : `\n\nFiles of this skill, for read or bash:\n${files.map((path) => `- ${path}`).join('\n')}`;
    return `The skill ${name}, in ${folder}:\n\n${body}${beside}`;
  },
});
