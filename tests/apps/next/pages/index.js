export default function Home() {
  return <p>All accounts are settled.</p>;
}
