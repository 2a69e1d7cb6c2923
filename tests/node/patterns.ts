/** The patterns of `tests/vectors/scenarios.json`; `tests/vectors/README.md` says what they mean. */

/** The first place where `value` does not fit `pattern`; null where it fits. */
export function differs(pattern: unknown, value: unknown, saved: Map<string, unknown>, at = ""): string | null {
  if (Array.isArray(pattern)) return listDiffers(pattern, value, saved, at);
  if (typeof pattern !== "object" || pattern === null) {
    const same = pattern === null ? value === null || value === undefined : pattern === value;
    return same ? null : `${at || "it"} is ${shown(value)}, not ${shown(pattern)}`;
  }
  const word = Object.keys(pattern).find((key) => key.startsWith("$"));
  if (word !== undefined) return wordDiffers(word, (pattern as Record<string, unknown>)[word], value, saved, at);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return `${at || "it"} is no object but ${shown(value)}`;
  }
  for (const [key, wanted] of Object.entries(pattern)) {
    const wrong = differs(wanted, (value as Record<string, unknown>)[key], saved, `${at}.${key}`);
    if (wrong !== null) return wrong;
  }
  return null;
}

function listDiffers(pattern: unknown[], value: unknown, saved: Map<string, unknown>, at: string): string | null {
  if (!Array.isArray(value) || value.length !== pattern.length) {
    return `${at || "it"} is no list of ${pattern.length} but ${shown(value)}`;
  }
  for (const [index, wanted] of pattern.entries()) {
    const wrong = differs(wanted, value[index], saved, `${at}[${index}]`);
    if (wrong !== null) return wrong;
  }
  return null;
}

function wordDiffers(
  word: string,
  wanted: unknown,
  value: unknown,
  saved: Map<string, unknown>,
  at: string,
): string | null {
  const items: unknown[] = Array.isArray(value) ? value : [];
  const unless = (fits: boolean): string | null => {
    return fits ? null : `${at || "it"} is ${shown(value)}, not ${word} ${shown(wanted)}`;
  };
  switch (word) {
    case "$contains": {
      const texts = (Array.isArray(wanted) ? wanted : [wanted]) as string[];
      return unless(typeof value === "string" && texts.every((text) => value.includes(text)));
    }
    case "$has": {
      const has = (one: unknown): boolean => items.some((item) => differs(one, item, saved) === null);
      return unless((wanted as unknown[]).every(has));
    }
    case "$each": {
      const wrong = items.map((item, index) => differs(wanted, item, saved, `${at}[${index}]`)).find((one) => one !== null);
      return items.length === 0 ? `${at || "it"} has nothing in it` : (wrong ?? null);
    }
    case "$length":
      return unless(Array.isArray(value) && value.length === wanted);
    case "$present":
      return unless(value !== null && value !== undefined);
    case "$save":
      saved.set(wanted as string, value);
      return unless(value !== null && value !== undefined);
    case "$saved":
      if (!saved.has(wanted as string)) return `${at || "it"}: nothing was saved as ${shown(wanted)}`;
      return differs(saved.get(wanted as string), value, new Map(), at);
    default:
      throw new Error(`${word} is no word of patterns`);
  }
}

/** `{"$saved": name}` stands for what was saved, in arguments too. */
export function filled(value: unknown, saved: Map<string, unknown>): unknown {
  if (Array.isArray(value)) return value.map((item) => filled(item, saved));
  if (typeof value !== "object" || value === null) return value;
  if ("$saved" in value) return saved.get(value.$saved as string);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, filled(item, saved)]));
}

function shown(value: unknown): string {
  return JSON.stringify(value) ?? String(value);
}
