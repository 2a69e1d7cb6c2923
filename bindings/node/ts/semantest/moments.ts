/** Moments: CloudEvents has RFC 3339, others have dates, numbers, and text without an offset. */

import { invalidInput } from "./refusal.js";

const RFC_3339 = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:\d{2})$/;
const ISO_8601 = /^(\d{4})-(\d{2})-(\d{2})(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/;
const OFFSET = /(Z|[+-]\d{2}:?\d{2})$/;

/** This moment. @internal */
export function now(): string {
  return new Date().toISOString();
}

/**
 * A moment as RFC 3339 text. Text without an offset is UTC; a number is milliseconds since 1970.
 *
 * @throws InvalidInputError It is none, or of a year that RFC 3339 cannot write.
 *
 * @internal
 */
export function moment(value: unknown, operation: string, field = "time"): string {
  const written = typeof value === "string" ? fromText(value.trim()) : fromNumber(value);
  if (written !== undefined) return written;
  throw invalidInput(operation, `\`${field}\` must be a moment such as 2026-01-31T12:00:00Z`, { field });
}

function fromText(text: string): string | undefined {
  const parts = ISO_8601.exec(text);
  if (parts === null || !isDay(Number(parts[1]), Number(parts[2]), Number(parts[3]))) return undefined;
  const zoned = text.length === 10 ? `${text}T00:00:00Z` : OFFSET.test(text.slice(10)) ? text : `${text}Z`;
  const date = new Date(zoned.replace(" ", "T").replace(",", "."));
  if (Number.isNaN(date.getTime())) return undefined;
  // As it came: it may be finer than JavaScript's milliseconds.
  return RFC_3339.test(text) ? text : written(date);
}

function fromNumber(value: unknown): string | undefined {
  if (value instanceof Date) return written(value);
  return typeof value === "number" ? written(new Date(value)) : undefined;
}

function written(date: Date): string | undefined {
  const year = date.getUTCFullYear();
  return year >= 0 && year <= 9999 ? date.toISOString() : undefined;
}

/** JavaScript itself takes the 30th of February for a day in March. */
function isDay(year: number, month: number, day: number): boolean {
  return month >= 1 && month <= 12 && day >= 1 && day <= new Date(Date.UTC(year, month, 0)).getUTCDate();
}
