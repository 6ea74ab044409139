/** Where the text is written to. */
export interface Terminal {
  readonly isTTY?: boolean
  readonly env: NodeJS.ProcessEnv
}

const escape = '\u001b'

/**
 * The address as a link to click at (OSC 8), where the terminal is known to make one of it, and as it is elsewhere.
 * FORCE_HYPERLINK=1 and FORCE_HYPERLINK=0 decide it, as for other programs.
 */
export function terminalLink (address: string, terminal: Terminal): string {
  return makesLinks(terminal) ? `${escape}]8;;${address}${escape}\\${address}${escape}]8;;${escape}\\` : address
}

function makesLinks ({ isTTY = false, env }: Terminal): boolean {
  if (env.FORCE_HYPERLINK) return env.FORCE_HYPERLINK !== '0'
  if (!isTTY || env.TERM === 'dumb' || env.CI) return false
  return Boolean(env.WT_SESSION || env.KITTY_WINDOW_ID || env.KONSOLE_VERSION || env.DOMTERM) ||
    ['iTerm.app', 'WezTerm', 'vscode', 'ghostty', 'Hyper'].includes(env.TERM_PROGRAM ?? '') ||
    ['xterm-kitty', 'alacritty', 'foot', 'xterm-ghostty'].includes(env.TERM ?? '') ||
    Number(env.VTE_VERSION ?? 0) >= 5000
}
