/** What piscina calls in its threads. */
export default function echo(value: number): number {
  return value;
}
