import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { homedir } from 'node:os';
import { createInterface } from 'node:readline';
import { Refusal, sendJson } from './daemon-answers.ts';

interface SessionCommand {
  id: string;
  command: string;
  exitCode: number | undefined;
  stdout: string;
  stderr: string;
}

interface Session {
  commands: SessionCommand[];
  running: Set<ChildProcess>;
}

export interface Sessions {
  /** Answers whether the route was one of sessions. */
  answer(
    route: string,
    body: () => Promise<Record<string, unknown>>,
    response: ServerResponse,
  ): Promise<boolean>;
}

const ROUTE = /^(\w+) \/process\/session(?:\/([^/]+)(?:\/(exec)|\/command\/([^/]+)(\/logs)?)?)?$/;

/** Sessions with logs as the vendor keeps them: by lines, so that what does not end with one is held back, and gets one. */
export function createSessions(): Sessions {
  const sessions = new Map<string, Session>();
  const known = (id: string): Session => {
    const session = sessions.get(id);
    if (session === undefined) throw new Refusal(404, 'session not found');
    return session;
  };

  const start = (session: Session, text: string): SessionCommand => {
    const command: SessionCommand = {
      id: randomUUID(),
      command: text,
      exitCode: undefined,
      stdout: '',
      stderr: '',
    };
    const child = spawn('/bin/sh', ['-c', text], {
      cwd: homedir(),
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const name of ['stdout', 'stderr'] as const)
      createInterface({ input: child[name], crlfDelay: 0 }).on('line', (line) => {
        command[name] += `${line}\n`;
      });
    session.commands.push(command);
    session.running.add(child);
    child.on('close', (code) => {
      session.running.delete(child);
      command.exitCode = code ?? -1;
    });
    return command;
  };

  return {
    async answer(route, body, response) {
      const match = ROUTE.exec(route);
      if (match === null) return false;
      const [, method, id, exec, commandId, logs] = match;
      if (id === undefined) {
        const { sessionId } = await body();
        if (typeof sessionId !== 'string') throw new Refusal(400, 'sessionId is required');
        if (sessions.has(sessionId)) throw new Refusal(409, 'session already exists');
        sessions.set(sessionId, { commands: [], running: new Set() });
        sendJson(response, 201);
        return true;
      }
      const session = known(id);
      if (exec !== undefined) {
        const { command } = await body();
        sendJson(response, 202, { cmdId: start(session, String(command)).id });
        return true;
      }
      if (commandId === undefined) {
        if (method === 'DELETE') {
          for (const child of session.running) if (child.pid) process.kill(-child.pid, 'SIGKILL');
          sessions.delete(id);
          sendJson(response, 204);
        } else sendJson(response, 200, { sessionId: id, commands: session.commands.map(shown) });
        return true;
      }
      const command = session.commands.find((one) => one.id === commandId);
      if (command === undefined) throw new Refusal(404, 'command not found');
      const { stdout, stderr } = command;
      sendJson(response, 200, logs ? { stdout, stderr, output: stdout + stderr } : shown(command));
      return true;
    },
  };
}

function shown({ id, command, exitCode }: SessionCommand): object {
  return { id, command, ...(exitCode === undefined ? {} : { exitCode }) };
}
