"""Password and authenticator code in Arabic, from right to left."""

from playground.kit.builders import Words, localized

SHAPE = localized(
    "ar",
    "مرفأ",
    Words(
        login="تسجيل الدخول",
        username="اسم المستخدم أو البريد الإلكتروني",
        password="كلمة المرور",
        remember="تذكرني",
        submit="دخول",
        forgot="نسيت كلمة المرور؟",
        signup="إنشاء حساب",
        wrong="اسم المستخدم أو كلمة المرور غير صحيحة.",
        code_heading="التحقق بخطوتين",
        code_lead="أدخل الرمز المكوّن من ستة أرقام من تطبيق المصادقة.",
        code="رمز التحقق",
        verify="تأكيد",
        wrong_code="الرمز غير صحيح.",
    ),
)
