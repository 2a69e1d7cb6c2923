/** Names in the two spellings: `stackName` here, `stack_name` in data. */

const WORD_BEGINS = /(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/g;

/** `stackName` as `stack_name`. @internal */
export function snakeCase(name: string): string {
  return name.replace(WORD_BEGINS, "_").toLowerCase();
}

/** `stack_name` as `stackName`. @internal */
export function camelCase(name: string): string {
  const [first = "", ...rest] = name.split("_");
  return first + rest.map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join("");
}

/** A type whose keys are camelCase, as data has it. Keys of maps stay. */
export type AsWritten<T> = T extends readonly (infer Item)[]
  ? readonly AsWritten<Item>[]
  : T extends object
    ? { readonly [Key in keyof T as WrittenKey<Key>]: AsWritten<T[Key]> }
    : T;

type WrittenKey<Key> = Key extends string ? (string extends Key ? Key : SnakeCase<Key>) : Key;

type SnakeCase<Name extends string> = Name extends `${infer Letter}${infer Rest}`
  ? `${Letter extends Lowercase<Letter> ? Letter : `_${Lowercase<Letter>}`}${SnakeCase<Rest>}`
  : Name;
