//! 下载中心: manuals, templates, sample pictures, drivers (G-04, L-08), made when they are asked for.
//!
//! Guarantees: every file of the list can be fetched; what they say follows from the profile alone.

use crate::{
    api::{Handout, ProblemType},
    document::sheet::Sheet,
    hall::Hall,
    problem::{Answer, refuse},
};
use jiff::Timestamp;

const PAPERS: &str = "资料查看与下载";
const SAMPLES: &str = "示例图片查看";
const DRIVERS: &str = "驱动下载";

/// What a file holds.
enum Content {
    /// A manual: its steps.
    Manual(&'static [&'static str]),
    /// The agreement.
    Terms,
    /// A form to fill in by hand: its fields, and who signs.
    Form(&'static [&'static str], &'static str),
    /// What a picture has to show.
    Sample(&'static [&'static str]),
    /// Plain text.
    Text(&'static str),
}

const FILES: &[(&str, &str, &str, Content)] = &[
    (PAPERS, "在线新办用户手册V2.0", "enrol-manual.pdf", Content::Manual(&[
        "打开服务厅首页，点击在线新办，选择单位证书或个人证书。",
        "填写申请信息，按页面提示核验身份或上传资料。",
        "核对信息，确认申请；需要缴费的，选择一种方式支付。",
        "审核通过后，收到证书密码的短信和寄出的UKey；首次使用请修改口令。",
    ])),
    (PAPERS, "在线延期用户手册V2.0", "renew-manual.pdf", Content::Manual(&[
        "只插入要延期的一把UKey，办理期间请不要拔出。",
        "打开证书助手，点击证书延期，输入口令。",
        "核对订单，需要缴费的完成支付。",
        "下载新证书，看到下载成功后核对证书的起止时间。",
    ])),
    (PAPERS, "找回密码用户手册V2.0", "unlock-manual.pdf", Content::Manual(&[
        "插入UKey，打开证书助手，在我的证书中点击找回密码。",
        "需要缴费的，在打开的页面完成支付，再回到证书助手。",
        "补全办理证书时的手机号，获取并输入短信验证码；手机号忘记的，上传资料并联系客服。",
        "两次输入新口令，完成重置。请牢记新口令。",
    ])),
    (PAPERS, "电子认证证书服务条款", "terms.pdf", Content::Terms),
    (PAPERS, "签章信息采集表", "seal-form.pdf", Content::Form(
        &["单位名称", "统一社会信用代码", "印章名称", "印模（请加盖清晰印章）"], "单位盖章：　　　　　　　　日期：")),
    (PAPERS, "法人授权委托及诚信承诺书", "authorisation.pdf", Content::Form(
        &["单位名称", "法定代表人", "经办人", "经办人身份证号", "授权事项"],
        "法定代表人签字：　　　　　　　　单位盖章：　　　　　　　　日期：")),
    (SAMPLES, "授权书第1页", "sample-authorisation-1.pdf", Content::Sample(&["单位名称与公章一致", "授权事项已填写"])),
    (SAMPLES, "授权书第3页", "sample-authorisation-3.pdf", Content::Sample(&["法定代表人签字", "单位公章", "日期"])),
    (SAMPLES, "营业执照复印件(加盖公章)", "sample-licence.pdf", Content::Sample(&["执照四角完整", "公章压在复印件上", "字迹清晰"])),
    (SAMPLES, "签章信息采集表示例", "sample-seal-form.pdf", Content::Sample(&["印模在框内", "印模清晰、不重叠"])),
    (SAMPLES, "手持证件照", "sample-holding.pdf", Content::Sample(&["面部和证件都清晰", "证件号码可以辨认"])),
    (DRIVERS, "UKey驱动（Linux udev规则）", "60-ukey.rules", Content::Text(
        "# Lets whoever sits at the computer use a UKey over CCID or a serial line.\n\
         SUBSYSTEM==\"usb\", ENV{ID_USB_INTERFACES}==\"*:0b0000:*\", TAG+=\"uaccess\"\n\
         SUBSYSTEM==\"tty\", ENV{ID_MODEL}==\"*UKey*\", TAG+=\"uaccess\"\n")),
    (DRIVERS, "证书助手安装说明", "assistant.txt", Content::Text(
        "安装前请务必先卸载老版本证书助手!\n\n证书助手即命令行程序 ukey：安装后运行 ukey --help 查看用法。\n")),
];

/// The forms that are filled in by hand (E-02).
pub(super) fn templates() -> Vec<Handout> {
    let forms = FILES.iter().filter(|(.., content)| matches!(content, Content::Form(..)));
    forms.map(handout).collect()
}

/// The list.
pub(super) fn list() -> Vec<Handout> {
    FILES.iter().map(handout).collect()
}

fn handout((section, title, name, _): &(&str, &str, &str, Content)) -> Handout {
    Handout { section: (*section).into(), title: (*title).into(), path: format!("/downloads/{name}") }
}

/// A file: media type and content.
pub(super) fn file(hall: &Hall, name: &str) -> Answer<(&'static str, Vec<u8>)> {
    let found = FILES.iter().find(|(_, _, known, _)| *known == name);
    let (_, title, _, content) = found.ok_or_else(|| refuse(ProblemType::NotFound))?;
    if let Content::Text(text) = content {
        return Ok(("text/plain; charset=utf-8", text.as_bytes().to_vec()));
    }
    let profile = hall.profile();
    // The same file every day.
    let mut sheet = Sheet::new(hall.typeface()?, title, Timestamp::UNIX_EPOCH)?;
    sheet.paragraph(&format!("{}　客服电话：{}", profile.name, profile.hotline));
    match content {
        Content::Manual(steps) => {
            for (number, step) in steps.iter().enumerate() {
                sheet.heading(&format!("第{}步", number + 1));
                sheet.paragraph(step);
            }
            sheet.heading("使用环境");
            sheet.paragraph(&profile.portal.browser_advice);
            sheet.paragraph(&profile.portal.control_advice);
            for (number, control) in profile.portal.controls.iter().enumerate() {
                sheet.row(&format!("安装顺序{}", number + 1), control);
            }
        }
        Content::Terms => {
            for paragraph in &profile.portal.agreement_text {
                sheet.paragraph(paragraph);
            }
        }
        Content::Form(fields, signed) => {
            for field in *fields {
                sheet.row(field, "");
            }
            sheet.signature(&[signed], 110.0);
        }
        Content::Sample(points) => {
            sheet.signature(&[title, "（示例：此处为图片）"], 260.0);
            sheet.heading("要求");
            for point in *points {
                sheet.paragraph(point);
            }
        }
        Content::Text(_) => {}
    }
    Ok(("application/pdf", sheet.finish()?))
}
