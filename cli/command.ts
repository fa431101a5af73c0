/** The world as a command sees it; tests put in their own. */
export interface Io {
  readonly stdout: { write(text: string): unknown }
  readonly stderr: { write(text: string): unknown; readonly isTTY?: boolean }
  readonly env: Readonly<Record<string, string | undefined>>
}

/** One of `blindspot`'s commands. Resolves to the exit code. */
export interface Command {
  readonly usage: string
  run(args: readonly string[], io: Io): Promise<number>
}

/** The arguments cannot be understood: said with a hint at the usage, exit code by the command. */
export class UsageError extends Error {}
