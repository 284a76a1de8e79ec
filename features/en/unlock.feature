# language: en
Feature: Unlock by SMS

  @smoke @U-04 @U-31 @U-33 @U-32 @U-14 @destructive
  Scenario: A person unlocks for the first time, after an identity check
    Given the service hall of Luming is open
    And Zhang San holds a UKey with the PIN "Mima-2026"
    And the UKey is locked by wrong PINs
    When the PIN recovery is begun
    And the other way of verification is chosen: the phone in the real name
    And the authorisation code is entered
    And the new PIN "Xin-2026" is entered, and again "Xin-2026"
    Then the screen says "您的密码已重置,谢谢使用!"
    And the order is completed
    And the UKey has 10 tries left
    When the holder logs in with the UKey and the PIN "Xin-2026"
    Then the login succeeds and shows "张三"
