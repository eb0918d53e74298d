import * as z from 'zod';
import { ASKED, defineTool } from './tool.ts';

/** UTF-16 units of a plan: more than this nobody approves, they believe it. */
const MOST_PLAN = 20_000;

/** The person's yes to a plan; any other answer is what is to be changed about it. */
export const APPROVE = 'Approve';

export const proposePlan = defineTool({
  name: 'propose_plan',
  description:
    'In plan mode only: puts your plan to the person and waits. They approve it, and you carry it out; or they say what to change, and you propose again. Markdown: what changes and where, in which order, how it is checked, what you are not sure of.',
  input: z.object({ plan: z.string().trim().min(1).max(MOST_PLAN) }),
  writes: false,
  async run({ plan }, { ask }) {
    const options = [{ label: APPROVE, description: 'The agent carries it out.' }];
    await ask({ question: plan, options, freeText: true, about: 'plan' });
    return ASKED;
  },
});
