"""Password and authenticator code in Japanese."""

from playground.kit.builders import Words, localized

SHAPE = localized(
    "ja",
    "みなと便",
    Words(
        login="ログイン",
        username="ユーザー名またはメールアドレス",
        password="パスワード",
        remember="ログイン状態を保持する",
        submit="ログインする",
        forgot="パスワードをお忘れですか？",
        signup="新規登録",
        wrong="ユーザー名またはパスワードが正しくありません。",
        code_heading="二段階認証",
        code_lead="認証アプリに表示されている6桁のコードを入力してください。",
        code="認証コード",
        verify="確認",
        wrong_code="認証コードが正しくありません。",
    ),
)
