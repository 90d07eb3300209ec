#!/usr/bin/env bash
# Makes NotoSansSC-Regular.ttf and NotoSansSC-Bold.ttf: the characters of GB 2312, ASCII, the space that keeps
# words together, and the marks the reports use.
# Needs npm, tar, python3. Run twice, the bytes are the same.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
(cd "$work" && npm pack --silent @expo-google-fonts/noto-sans-sc@0.4.3 && tar xzf ./*.tgz)
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet fonttools==4.68.0
python3 - >"$work/characters" <<'PY'
characters = {chr(code) for code in range(0x20, 0x7F)} | set("\u00a0\u2009\u202f▲▼◆●○■□·–—‘’“”…±×÷≤≥≈≠−→←↑↓°℃‰№¥％")
for high in range(0xA1, 0xF8):
    for low in range(0xA1, 0xFF):
        try:
            characters.add(bytes([high, low]).decode("gb2312"))
        except UnicodeDecodeError:
            pass
print("".join(sorted(characters)), end="")
PY
for weight in 400Regular 700Bold; do
  "$work/venv/bin/pyftsubset" "$work/package/$weight/NotoSansSC_$weight.ttf" --text-file="$work/characters" \
    --output-file="NotoSansSC-${weight#?00}.ttf" --layout-features='*' --no-hinting --name-IDs='*' --notdef-outline
done
cp "$work/package/LICENSE_FONT" OFL.txt
