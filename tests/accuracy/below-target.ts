/** Why a class stays below its target, by the name of its recipe; the page shows it where it does. */
export const WHY: Readonly<Record<string, string>> = {}
