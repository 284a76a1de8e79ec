//! What an SKF library exports, read from its file: nothing of it runs.

use object::{Architecture, Object, ObjectSymbol};

use super::facts::Content;

/// The functions of GM/T 0016-2012, clause 7.
#[rustfmt::skip]
pub(crate) const FUNCTIONS: &[&str] = &[
    "SKF_WaitForDevEvent", "SKF_CancelWaitForDevEvent", "SKF_EnumDev", "SKF_ConnectDev", "SKF_DisConnectDev",
    "SKF_GetDevState", "SKF_SetLabel", "SKF_GetDevInfo", "SKF_LockDev", "SKF_UnlockDev", "SKF_Transmit",
    "SKF_ChangeDevAuthKey", "SKF_DevAuth", "SKF_ChangePIN", "SKF_GetPINInfo", "SKF_VerifyPIN", "SKF_UnblockPIN",
    "SKF_ClearSecureState",
    "SKF_CreateApplication", "SKF_EnumApplication", "SKF_DeleteApplication", "SKF_OpenApplication",
    "SKF_CloseApplication",
    "SKF_CreateFile", "SKF_DeleteFile", "SKF_EnumFiles", "SKF_GetFileInfo", "SKF_ReadFile", "SKF_WriteFile",
    "SKF_CreateContainer", "SKF_DeleteContainer", "SKF_OpenContainer", "SKF_CloseContainer", "SKF_EnumContainer",
    "SKF_GetContainerType", "SKF_ImportCertificate", "SKF_ExportCertificate",
    "SKF_GenRandom", "SKF_GenRSAKeyPair", "SKF_ImportRSAKeyPair", "SKF_RSASignData", "SKF_RSAVerify",
    "SKF_RSAExportSessionKey", "SKF_GenECCKeyPair", "SKF_ImportECCKeyPair", "SKF_ECCSignData", "SKF_ECCVerify",
    "SKF_ECCExportSessionKey", "SKF_ExtECCEncrypt", "SKF_GenerateAgreementDataWithECC",
    "SKF_GenerateAgreementDataAndKeyWithECC", "SKF_GenerateKeyWithECC", "SKF_ExportPublicKey",
    "SKF_ImportSessionKey", "SKF_EncryptInit", "SKF_Encrypt", "SKF_EncryptUpdate", "SKF_EncryptFinal",
    "SKF_DecryptInit", "SKF_Decrypt", "SKF_DecryptUpdate", "SKF_DecryptFinal", "SKF_DigestInit", "SKF_Digest",
    "SKF_DigestUpdate", "SKF_DigestFinal", "SKF_MacInit", "SKF_Mac", "SKF_MacUpdate", "SKF_MacFinal",
    "SKF_CloseHandle",
];

/// What `ukey` does with functions beside those that it needs for anything: what one cannot do without them.
#[rustfmt::skip]
pub(crate) const USES: &[(&str, &str, &[&str])] = &[
    ("list applications, as `ukey info` does", "列出应用（ukey info）", &["SKF_EnumApplication"]),
    ("create and delete applications", "创建和删除应用",
        &["SKF_DevAuth", "SKF_CreateApplication", "SKF_DeleteApplication"]),
    ("give a right back", "清除安全状态", &["SKF_ClearSecureState", "SKF_CloseApplication"]),
    ("tell how many tries of a PIN are left", "查询口令剩余次数", &["SKF_GetPINInfo"]),
    ("change a PIN", "修改口令", &["SKF_ChangePIN"]),
    ("unblock a PIN", "解锁口令", &["SKF_UnblockPIN"]),
    ("change the device authentication key", "修改设备认证密钥", &["SKF_ChangeDevAuthKey"]),
    ("give the key a label", "设置标签", &["SKF_SetLabel"]),
    ("tell a key that was pulled from one that refuses", "判断UKey是否已拔出", &["SKF_GetDevState"]),
    ("keep other programs away meanwhile", "独占设备", &["SKF_LockDev", "SKF_UnlockDev"]),
    ("send raw commands, or unblock a PIN from afar", "发送原始命令和远程解锁", &["SKF_Transmit"]),
    ("use files", "读写文件",
        &["SKF_CreateFile", "SKF_DeleteFile", "SKF_EnumFiles", "SKF_GetFileInfo", "SKF_ReadFile", "SKF_WriteFile"]),
    ("list and open containers", "列出和打开容器",
        &["SKF_EnumContainer", "SKF_OpenContainer", "SKF_CloseContainer", "SKF_GetContainerType"]),
    ("create and delete containers", "创建和删除容器", &["SKF_CreateContainer", "SKF_DeleteContainer"]),
    ("read certificates", "读取证书", &["SKF_ExportCertificate"]),
    ("write certificates", "写入证书", &["SKF_ImportCertificate"]),
    ("make or import SM2 key pairs", "生成或导入SM2密钥对", &["SKF_GenECCKeyPair", "SKF_ImportECCKeyPair"]),
    ("read public keys", "读取公钥", &["SKF_ExportPublicKey"]),
    ("sign with SM2", "SM2签名", &["SKF_ECCSignData"]),
    ("verify signatures", "验证签名", &["SKF_ECCVerify"]),
    ("encrypt for a public key", "用公钥加密", &["SKF_ExtECCEncrypt"]),
    ("use session keys", "使用会话密钥",
        &["SKF_ECCExportSessionKey", "SKF_ImportSessionKey", "SKF_CloseHandle"]),
    ("agree on a key with another", "密钥协商",
        &["SKF_GenerateAgreementDataWithECC", "SKF_GenerateAgreementDataAndKeyWithECC", "SKF_GenerateKeyWithECC"]),
    ("encrypt", "加密", &["SKF_EncryptInit", "SKF_Encrypt", "SKF_EncryptUpdate", "SKF_EncryptFinal"]),
    ("decrypt", "解密", &["SKF_DecryptInit", "SKF_Decrypt", "SKF_DecryptUpdate", "SKF_DecryptFinal"]),
    ("make digests", "计算杂凑", &["SKF_DigestInit", "SKF_Digest", "SKF_DigestUpdate", "SKF_DigestFinal"]),
    ("make MACs", "计算MAC", &["SKF_MacInit", "SKF_Mac", "SKF_MacUpdate", "SKF_MacFinal"]),
    ("fetch random bytes, which proving the device key needs", "获取随机数（设备认证需要）", &["SKF_GenRandom"]),
];

/// What the bytes of a file are; `ours` are those of this program.
pub(crate) fn content(bytes: &[u8], ours: &[u8]) -> Content {
    let Ok(file) = object::File::parse(bytes) else { return Content::NoLibrary };
    let machine = |file: &object::File<'_>| name(file.architecture());
    if let Ok(own) = object::File::parse(ours)
        && own.architecture() != file.architecture()
    {
        return Content::Foreign { its: machine(&file), ours: machine(&own) };
    }
    let names = file.dynamic_symbols().filter(|symbol| symbol.is_definition());
    Content::Exports(names.filter_map(|symbol| symbol.name().ok().map(str::to_owned)).collect())
}

/// As packages are named after it.
fn name(architecture: Architecture) -> String {
    match architecture {
        Architecture::X86_64 => "amd64".to_owned(),
        Architecture::I386 => "i386".to_owned(),
        Architecture::Aarch64 => "arm64".to_owned(),
        Architecture::Arm => "arm".to_owned(),
        Architecture::LoongArch64 => "loong64".to_owned(),
        Architecture::Mips64 => "mips64".to_owned(),
        Architecture::Riscv64 => "riscv64".to_owned(),
        other => format!("{other:?}"),
    }
}
